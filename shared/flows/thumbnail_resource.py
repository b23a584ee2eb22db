"""Give the thumbnail of a study, series, instance or frame, made once and kept beside the archive."""

from typing import Final

from shared.errors import InstanceNotFoundError, NotFoundError, ObjectNotFoundError
from shared.flows._records import Ref
from shared.flows._renderable import Kind, kind_of, representative
from shared.flows._stored_image import read_stored_image
from shared.flows._thumbnails import thumbnail_key
from shared.pixels.cpu_pool import in_cpu_pool
from shared.pixels.picture import JPEG, make_picture, scale_picture
from shared.pixels.rendering_parameters import Rendering, Viewport
from shared.ports.archive import InstanceIndex, ObjectStore
from shared.records import InstanceRecord
from shared.telemetry.tracing import flow

MAX_SIDE: Final = 256
"""Pixels of a thumbnail's longest edge."""
_MAX_KEPT_BYTES: Final = 1024 * 1024
_RENDERING: Final = Rendering(quality=80, viewport=Viewport(MAX_SIDE, MAX_SIDE))


@flow
async def thumbnail_resource(
    ref: Ref,
    frame_number: int | None,
    *,
    viewport: Viewport | None,
    objects: ObjectStore,
    index: InstanceIndex,
    container: str,
    partition: str,
) -> bytes:
    """Return a JPEG that stands for what *ref* names; its first image by series and instance UID.

    It is kept in *container* until its image goes, and may be deleted at any time; a changed image gets another.

    Args:
        ref: A study, series or instance.
        frame_number: 1-based, of an instance; None for the frame that represents it.
        viewport: Smaller than MAX_SIDE by MAX_SIDE; None for that.
        objects: Where the instance lies.
        index: Which knows where.
        container: Where thumbnails are kept.
        partition: Of the data.

    Raises:
        NotFoundError: There is no such instance, or no image in it.
        FrameOutOfRangeError: It has no such frame.
        DamagedDicomError: It cannot be decoded.
        NotAcceptableError: There is no decoder for it, or it is too large.

    Source: PS3.18 2024e §10.4.1.1.4
    """
    record = await representative(index, ref)
    if kind_of(record) is not Kind.IMAGE:
        raise NotFoundError(f"instance {record.ref.sop_instance_uid} has no image, so there is no thumbnail")
    key = thumbnail_key(container, partition, record, frame_number)
    try:
        thumbnail = (await objects.read_range(key, 0, _MAX_KEPT_BYTES)).data
    except ObjectNotFoundError:
        thumbnail = await _make(record, frame_number, objects)
        await objects.put(key, thumbnail, content_type=JPEG)
        if not await _is_served(record, index):
            await objects.delete(key)  # who removed the image may have looked for thumbnails before
    if viewport is None:
        return thumbnail
    return await in_cpu_pool(lambda: scale_picture(thumbnail, viewport))


async def _is_served(record: InstanceRecord, index: InstanceIndex) -> bool:
    try:
        return (await index.get(record.ref)).location == record.location
    except InstanceNotFoundError:
        return False


async def _make(record: InstanceRecord, frame_number: int | None, objects: ObjectStore) -> bytes:
    stored = await read_stored_image(objects, record, frame_number)
    return await in_cpu_pool(
        lambda: make_picture(
            stored.frame,
            stored.image,
            stored.attributes,
            stored.transfer_syntax_uid,
            byte_order=stored.byte_order,
            rendering=_RENDERING,
            media_type=JPEG,
        )
    )
