"""Name the objects of the archive container. Reads nothing."""

import hashlib
import re
from typing import Final

from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.errors import InvalidUidError
from shared.records import ObjectKey

CASES_FOLDER: Final = "cases"
UPLOADS_FOLDER: Final = "sessions"
_SESSION_PARTS: Final = 4
_NAME: Final = re.compile(
    r"[^/]+/[0-9a-f]{2}/([0-9.]+)/([0-9.]+)/([0-9.]+)(?:-([1-9][0-9]{0,8}))?\.dcm", re.ASCII
)


def archive_key(container: str, partition: str, ref: InstanceRef, generation: int = 0) -> ObjectKey:
    """Return where the archive keeps an instance: `{partition}/{hash}/{study}/{series}/{instance}.dcm`.

    The two hex digits spread studies over the store's partitions, which names of one UID root would not; all of a
    study has the same, so that it can be listed. What replaces an instance is named `{instance}-{generation}.dcm`, so
    that the objects alone tell which of them serves; no UID has a dash.
    """
    name = f"{archive_prefix(partition, ref)}{f'-{generation}' if generation else ''}.dcm"
    return ObjectKey(container, name)


def archive_prefix(partition: str, ref: StudyRef | SeriesRef | InstanceRef) -> str:
    """Return how the names of all objects begin that the archive keeps of a study, series or instance, and few others."""
    study = ref.study_instance_uid
    spread = hashlib.sha256(study.encode("ascii")).hexdigest()[:2]
    prefix = f"{partition}/{spread}/{study}/"
    if isinstance(ref, StudyRef):
        return prefix
    prefix += f"{ref.series_instance_uid}/"
    return prefix if isinstance(ref, SeriesRef) else prefix + ref.sop_instance_uid


def instance_of(key: ObjectKey) -> InstanceRef | None:
    """Return which instance an object of the archive is named after; None for a name that is not of that form."""
    named = _NAME.fullmatch(key.name)
    try:
        return None if named is None else InstanceRef(*named.group(1, 2, 3))
    except InvalidUidError:
        return None


def session_of(key: ObjectKey, container: str) -> str | None:
    """Return the session of which an object of the archive, whose container is *container*, is; None for any other.

    What a case stored as a whole consists of is named `{partition}/cases/{session}/{view}.dcm`.
    """
    parts = key.name.split("/")
    is_of_one = key.container == container and len(parts) == _SESSION_PARTS and parts[1] == CASES_FOLDER
    return parts[2] if is_of_one else None


_UPLOAD: Final = re.compile(
    rf"([^/]+/{UPLOADS_FOLDER}/[0-9a-f]{{32}}/)(?:([0-9.]+)/([0-9.]+)/([0-9.]+)\.dcm|session\.json)", re.ASCII
)


def upload_manifest_of(key: ObjectKey, container: str) -> ObjectKey | None:
    """Return where it stands that the upload session was published of which an object of the archive is; None for others.

    What a session consists of is named `{partition}/sessions/{session}/{study}/{series}/{instance}.dcm`.
    """
    named = _UPLOAD.fullmatch(key.name) if key.container == container else None
    return None if named is None else ObjectKey(container, f"{named[1]}session.json")


def upload_of(key: ObjectKey) -> InstanceRef | None:
    """Return which instance an object of an upload session is named after."""
    named = _UPLOAD.fullmatch(key.name)
    return None if named is None or named[2] is None else InstanceRef(*named.group(2, 3, 4))


def generation_of(key: ObjectKey, container: str, ref: InstanceRef) -> int:
    """Return which generation of *ref* the name of an object says it is; 0 for any that is not the archive's own.

    Args:
        key: Of the object.
        container: The archive's. Nobody replaces an instance by dropping a file with such a name elsewhere.
        ref: Which instance the object holds.
    """
    if key.container != container or instance_of(key) != ref:
        return 0
    named = _NAME.fullmatch(key.name)
    return int(named[4] or 0) if named else 0
