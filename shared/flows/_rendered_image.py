"""Render one frame of an instance as a picture."""

from shared.flows._stored_image import read_stored_image
from shared.pixels.cpu_pool import in_cpu_pool
from shared.pixels.picture import make_picture
from shared.pixels.rendering_parameters import Rendering
from shared.ports.archive import ObjectStore
from shared.records import InstanceRecord


async def render_image(
    record: InstanceRecord,
    frame_number: int | None,
    media_type: str,
    rendering: Rendering,
    objects: ObjectStore,
) -> bytes:
    """Return a frame, 1-based, or the one that represents the instance; errors as of read_stored_image and make_picture."""
    stored = await read_stored_image(objects, record, frame_number)

    def work() -> bytes:
        return make_picture(
            stored.frame,
            stored.image,
            stored.attributes,
            stored.transfer_syntax_uid,
            byte_order=stored.byte_order,
            rendering=rendering,
            media_type=media_type,
        )

    return await in_cpu_pool(work)
