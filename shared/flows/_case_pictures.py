"""Make PNGs of a stored image. Reads nothing."""

from collections.abc import Sequence

from shared.flows._stored_image import StoredImage
from shared.pixels.cpu_pool import in_cpu_pool
from shared.pixels.picture import PNG, make_pictures
from shared.pixels.rendering_parameters import Rendering


async def pictures_of(stored: StoredImage, renderings: Sequence[Rendering]) -> list[bytes]:
    """Return a PNG of an image, decoded once, for each of *renderings*; errors as of make_picture."""
    return await in_cpu_pool(
        lambda: make_pictures(
            stored.frame,
            stored.image,
            stored.attributes,
            stored.transfer_syntax_uid,
            byte_order=stored.byte_order,
            renderings=renderings,
            media_type=PNG,
        )
    )
