"""Make the index record of one instance out of its header. Reads nothing and stores nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from shared.dicom.attributes import digest_of
from shared.dicom.header import Header
from shared.dicom.invalid_values import remove_invalid_values
from shared.dicom.references import InstanceRef
from shared.dicom.uids import validate_uid
from shared.errors import (
    InvalidAttributeError,
    InvalidUidError,
    MissingAttributeError,
    UnsupportedObjectError,
)
from shared.pixels.cpu_pool import in_cpu_pool
from shared.records import BulkDataSpan, InstanceRecord, ObjectLocation, Source

_LARGE_HEADER: Final = 256 * 1024
"""Bytes, of which thousands of elements may be."""
_MEDIA_STORAGE_SOP_CLASS_UID: Final = 0x0002_0002
_MEDIA_STORAGE_SOP_INSTANCE_UID: Final = 0x0002_0003
_SOP_CLASS_UID: Final = 0x0008_0016
_SOP_INSTANCE_UID: Final = 0x0008_0018
_STUDY_INSTANCE_UID: Final = 0x0020_000D
_SERIES_INSTANCE_UID: Final = 0x0020_000E
_MEDIA_STORAGE_DIRECTORY: Final = "1.2.840.10008.1.3.10"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which instance a file is, and of which SOP class; *warnings* say what about that is odd."""

    ref: InstanceRef
    sop_class_uid: str
    warnings: tuple[str, ...] = ()


def identify(header: Header) -> Identity:
    """Return which instance *header* is of. The data set decides, not the file meta information.

    Raises:
        MissingAttributeError: An identifying attribute is absent or empty.
        InvalidAttributeError: One is no UID.
        UnsupportedObjectError: It is a DICOMDIR, which is a directory of instances and none itself.

    Source: PS3.3 2024e §C.12.1, §C.7.2.1 and §C.7.3.1; PS3.10 2024e §7.1
    """
    if _file_meta_uid(header, _MEDIA_STORAGE_SOP_CLASS_UID) == _MEDIA_STORAGE_DIRECTORY:
        raise UnsupportedObjectError(
            "This is a DICOMDIR: a directory of files, not an instance. Store the files."
        )
    ref = InstanceRef(
        _uid(header, _STUDY_INSTANCE_UID, "StudyInstanceUID"),
        _uid(header, _SERIES_INSTANCE_UID, "SeriesInstanceUID"),
        _uid(header, _SOP_INSTANCE_UID, "SOPInstanceUID"),
    )
    sop_class_uid = _uid(header, _SOP_CLASS_UID, "SOPClassUID")
    said = _file_meta_uid(header, _MEDIA_STORAGE_SOP_INSTANCE_UID)
    if said and said != ref.sop_instance_uid:
        warning = (
            "(0002,0003) MediaStorageSOPInstanceUID differs from (0008,0018) SOPInstanceUID, which is used"
        )
        return Identity(ref, sop_class_uid, (warning,))
    return Identity(ref, sop_class_uid)


async def record_of(
    header: Header, identity: Identity, location: ObjectLocation, modified_at: datetime, source: Source
) -> InstanceRecord:
    """Do as make_record, beside the event loop where the header is so large that it would hold up the others."""
    end = location.length if header.pixel_layout is None else header.pixel_layout.offset
    work = partial(make_record, header, identity, location, modified_at, source)
    return await in_cpu_pool(work) if end > _LARGE_HEADER else work()


def make_record(
    header: Header, identity: Identity, location: ObjectLocation, modified_at: datetime, source: Source
) -> InstanceRecord:
    """Return the record of an instance whose bytes are at *location*.

    Args:
        header: Of the instance, complete.
        identity: What `identify` said of the header.
        location: Where its bytes are.
        modified_at: When they were last written, by the store's clock.
        source: How it came into the archive.
    """
    import orjson

    from shared.dicom.dicom_json import to_dicom_json
    from shared.dicom.risk.assessment import assess

    data_set = to_dicom_json(header)
    spans = {
        path: BulkDataSpan(bulk.offset, bulk.length, bulk.vr) for path, bulk in data_set.bulk_data.items()
    }
    # The file may give them another VR, of which JSON makes something else; summaries and searches go by these.
    for tag, uid in (
        (_SOP_INSTANCE_UID, identity.ref.sop_instance_uid),
        (_STUDY_INSTANCE_UID, identity.ref.study_instance_uid),
        (_SERIES_INSTANCE_UID, identity.ref.series_instance_uid),
    ):
        data_set.attributes[f"{tag:08X}"] = {"vr": "UI", "Value": [uid]}
    warnings = (*identity.warnings, *remove_invalid_values(data_set.attributes))
    return InstanceRecord(
        ref=identity.ref,
        sop_class_uid=identity.sop_class_uid,
        transfer_syntax_uid=header.transfer_syntax_uid,
        location=location,
        metadata=orjson.dumps(data_set.attributes),
        modified_at=modified_at,
        indexed_at=datetime.now(UTC),
        source=source,
        layout=header.pixel_layout,
        bulk_data=spans,
        warnings=warnings,
        risk=assess(header),
        digest=digest_of(data_set.attributes),
    )


def _uid(header: Header, tag: int, keyword: str) -> str:
    named = f"({tag >> 16:04X},{tag & 0xFFFF:04X}) {keyword}"
    text = header.text(tag)
    if text is None:
        raise MissingAttributeError(
            f"{named} is {'empty' if header.has(tag) else 'absent'}; an instance must have it"
        )
    try:
        return validate_uid(text, named)
    except InvalidUidError as error:
        raise InvalidAttributeError(str(error)) from None


def _file_meta_uid(header: Header, tag: int) -> str:
    element = header.file_meta.get(tag)
    value = element.value if element is not None and isinstance(element.value, bytes) else b""
    return value.decode("latin-1").strip(" \0")
