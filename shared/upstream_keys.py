"""Names of instances that an upstream service holds, as keys of objects."""

from shared.dicom.references import InstanceRef
from shared.errors import InvalidUidError
from shared.ports.upstream import UPSTREAM_CONTAINER
from shared.records import ObjectKey


def upstream_key(ref: InstanceRef) -> ObjectKey:
    """Return the key of an instance that the upstream service holds."""
    uids = (ref.study_instance_uid, ref.series_instance_uid, ref.sop_instance_uid)
    return ObjectKey(UPSTREAM_CONTAINER, "/".join(uids))


def upstream_ref(key: ObjectKey) -> InstanceRef | None:
    """Return the instance that a key names, or None if it names none of an upstream service."""
    uids = key.name.split("/")
    if key.container != UPSTREAM_CONTAINER or len(uids) != 3:
        return None
    try:
        return InstanceRef(*uids)
    except InvalidUidError:
        return None
