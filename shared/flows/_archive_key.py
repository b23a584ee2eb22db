"""Name the objects of the archive container. Reads nothing."""

import hashlib

from shared.dicom.references import InstanceRef
from shared.records import ObjectKey


def archive_key(container: str, partition: str, ref: InstanceRef) -> ObjectKey:
    """Return where the archive keeps an instance: `{partition}/{hash}/{study}/{series}/{instance}.dcm`.

    The two hex digits spread studies over the store's partitions, which names of one UID root would not; all of a
    study has the same, so that it can be listed.
    """
    study = ref.study_instance_uid
    spread = hashlib.sha256(study.encode("ascii")).hexdigest()[:2]
    name = f"{partition}/{spread}/{study}/{ref.series_instance_uid}/{ref.sop_instance_uid}.dcm"
    return ObjectKey(container, name)
