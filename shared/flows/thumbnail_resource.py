"""Give the thumbnail of a study, series, instance or frame, made once and kept beside the archive."""

import hashlib
from typing import Final

from shared.errors import NotFoundError, ObjectNotFoundError
from shared.flows._records import Ref
from shared.flows._renderable import Kind, kind_of, representative
from shared.flows._stored_image import read_stored_image
from shared.pixels.cpu_pool import in_cpu_pool
from shared.pixels.picture import JPEG, make_picture, scale_picture
from shared.pixels.rendering_parameters import Rendering, Viewport
from shared.ports import InstanceIndex, ObjectStore
from shared.records import InstanceRecord, ObjectKey

MAX_SIDE: Final = 256
"""Pixels of a thumbnail's longest edge."""
_MAX_KEPT_BYTES: Final = 1024 * 1024
_RENDERING: Final = Rendering(quality=80, viewport=Viewport(MAX_SIDE, MAX_SIDE))


async def thumbnail_resource(
    ref: Ref,
    frame_number: int | None,
    *,
    viewport: Viewport | None,
    objects: ObjectStore,
    index: InstanceIndex,
    container: str,
) -> bytes:
    """Return a JPEG that stands for what *ref* names; its first image by series and instance UID.

    It is kept in *container* under a name made of where the image lies and of its etag, so that a changed image gets
    another. All that is kept may be deleted at any time.

    Args:
        ref: A study, series or instance.
        frame_number: 1-based, of an instance; None for the frame that represents it.
        viewport: Smaller than MAX_SIDE by MAX_SIDE; None for that.
        objects: Where the instance lies.
        index: Which knows where.
        container: Where thumbnails are kept.

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
    key = ObjectKey(container, _name(record, frame_number))
    try:
        thumbnail = (await objects.read_range(key, 0, _MAX_KEPT_BYTES)).data
    except ObjectNotFoundError:
        thumbnail = await _make(record, frame_number, objects)
        await objects.put(key, thumbnail, content_type=JPEG)
    if viewport is None:
        return thumbnail
    return await in_cpu_pool(lambda: scale_picture(thumbnail, viewport))


def _name(record: InstanceRecord, frame_number: int | None) -> str:
    location = record.location
    place = "\0".join((location.key.container, location.key.name, location.etag, str(location.offset)))
    digest = hashlib.blake2b(place.encode(), digest_size=16).hexdigest()
    return f"thumbnails/{digest}/{frame_number or 'representative'}.jpg"


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
