"""Where thumbnails are kept, and that none outlives what it shows. Makes no pictures."""

import contextlib
import hashlib

from shared.dicom.references import InstanceRef, SeriesRef
from shared.errors import ObjectNotFoundError
from shared.flows._records import Ref
from shared.ports.archive import ObjectStore
from shared.records import InstanceRecord, ObjectKey


def thumbnail_key(
    container: str, partition: str, record: InstanceRecord, frame_number: int | None
) -> ObjectKey:
    """Return where the thumbnail of a frame is kept, or of the frame that represents the instance.

    The name is made of where the image lies and of its etag, so that a changed image gets another.
    """
    location = record.location
    place = "\0".join((location.key.container, location.key.name, location.etag, str(location.offset)))
    digest = hashlib.blake2b(place.encode(), digest_size=16).hexdigest()
    prefix = _prefix(partition, record.ref)
    return ObjectKey(container, f"{prefix}{digest}/{frame_number or 'representative'}.jpg")


async def drop_thumbnails(ref: Ref, objects: ObjectStore, container: str, partition: str) -> None:
    """Delete every thumbnail of what *ref* names: they show a patient. None are kept where *container* is empty."""
    if not container:
        return
    with contextlib.suppress(ObjectNotFoundError):  # without the container there is nothing in it
        async for info in objects.scan(container, prefix=_prefix(partition, ref)):
            await objects.delete(info.key)


def _prefix(partition: str, ref: Ref) -> str:
    match ref:
        case InstanceRef():
            uids = [ref.study_instance_uid, ref.series_instance_uid, ref.sop_instance_uid]
        case SeriesRef():
            uids = [ref.study_instance_uid, ref.series_instance_uid]
        case _:
            uids = [ref.study_instance_uid]
    return "/".join(["thumbnails", partition, *uids, ""])
