"""Make pictures of decoded frames, cropped and scaled, as PNG or JPEG: 8 bits a sample, or of grey 16 in a PNG."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from shared.errors import InvalidQueryError, UnsupportedQueryError
from shared.pixels.decode_frame import DecodedFrame, decode_frame
from shared.pixels.grey import shown_grey
from shared.pixels.image_attributes import PALETTE_COLOR, Attributes, ImageAttributes
from shared.pixels.lookup_tables import palette
from shared.pixels.min_max import min_max
from shared.pixels.rendering_parameters import DEFAULT_QUALITY, Rendering, Scale, Viewport

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"


def make_picture(
    frame: bytes,
    image: ImageAttributes,
    attributes: Attributes,
    transfer_syntax_uid: str,
    *,
    byte_order: str,
    rendering: Rendering,
    media_type: str,
) -> bytes:
    """Return a frame as a picture. Overlays are not drawn.

    Args:
        frame: Its bytes as stored.
        image: How they are to be understood.
        attributes: The data set, those of the frame's functional groups merged.
        transfer_syntax_uid: How the frame is encoded.
        byte_order: Of the data set's binary values, "<" or ">".
        rendering: What the client wants.
        media_type: JPEG or PNG.

    Raises:
        DamagedDicomError: The frame or a table cannot be decoded.
        NotAcceptableError: There is no decoder for it.
        InvalidQueryError: The region lies outside the image.
        UnsupportedQueryError: A window, a preset or 16 bits are asked for on colours.

    Source: PS3.18 2024e §10.4.1.1.3
    """
    [picture] = make_pictures(
        frame,
        image,
        attributes,
        transfer_syntax_uid,
        byte_order=byte_order,
        renderings=[rendering],
        media_type=media_type,
    )
    return picture


def make_pictures(
    frame: bytes,
    image: ImageAttributes,
    attributes: Attributes,
    transfer_syntax_uid: str,
    *,
    byte_order: str,
    renderings: Sequence[Rendering],
    media_type: str,
) -> list[bytes]:
    """Return a picture of a frame, decoded once, for each of *renderings*; else as make_picture."""
    from PIL import Image

    decoded = decode_frame(frame, image, transfer_syntax_uid)
    pictures = []
    for rendering in renderings:
        shown = Image.fromarray(_shown(decoded, image, attributes, byte_order, rendering))
        pictures.append(encode_picture(fit(shown, rendering.viewport), media_type, quality=rendering.quality))
    return pictures


def encode_picture(picture: "Image", media_type: str, *, quality: int) -> bytes:
    """Return a picture as JPEG of a quality from 1 to 100, or as PNG."""
    buffer = io.BytesIO()
    if media_type == PNG:
        picture.save(buffer, "PNG")
    else:
        picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def scale_picture(jpeg: bytes, viewport: Viewport) -> bytes:
    """Return a JPEG of the archive's own making, scaled to fit into a viewport."""
    from PIL import Image

    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
        return encode_picture(fit(picture, viewport), JPEG, quality=DEFAULT_QUALITY)


def fit(picture: "Image", viewport: Viewport | None) -> "Image":
    """Return the region of a picture that a viewport shows, as large as fits into it with its aspect kept.

    Raises:
        InvalidQueryError: The region lies outside the picture.

    Source: PS3.18 2024e §8.3.5.1.3
    """
    from PIL import Image

    if viewport is None:
        return picture
    width = picture.width - viewport.x if viewport.region_width is None else abs(viewport.region_width)
    height = picture.height - viewport.y if viewport.region_height is None else abs(viewport.region_height)
    box = (viewport.x, viewport.y, viewport.x + width, viewport.y + height)
    if width <= 0 or height <= 0 or box[2] > picture.width or box[3] > picture.height:
        raise InvalidQueryError(
            f"the region of the viewport lies outside the image, which has {picture.width} columns and"
            f" {picture.height} rows"
        )
    scale = min(viewport.width / width, viewport.height / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    fitted = picture.resize(size, Image.Resampling.BILINEAR, box)
    if (viewport.region_width or 0) < 0:
        fitted = fitted.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if (viewport.region_height or 0) < 0:
        fitted = fitted.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return fitted


def _shown(
    decoded: DecodedFrame,
    image: ImageAttributes,
    attributes: Attributes,
    byte_order: str,
    rendering: Rendering,
) -> "npt.NDArray[Any]":
    import numpy as np

    pixels = decoded.pixels
    if image.is_grey:
        if rendering.scale is Scale.MINMAX:
            return min_max(pixels, rendering.bits)
        return shown_grey(
            pixels,
            attributes,
            byte_order,
            window=rendering.window,
            preset=rendering.preset,
            bits=rendering.bits,
        )
    if rendering.window is not None or rendering.preset or rendering.bits != 8:
        raise UnsupportedQueryError(
            "this image is in colour: it has 8 bits and no window; leave window, preset and bits out"
        )
    if rendering.scale is Scale.MINMAX:
        return min_max(pixels, rendering.bits)
    if image.photometric_interpretation == PALETTE_COLOR:
        tables = palette(attributes, byte_order, is_signed=image.pixel_representation == 1)
        return np.stack([_eight_bits(table.look_up(pixels), table.bits) for table in tables], axis=-1)
    return _eight_bits(pixels, image.bits_stored)


def _eight_bits(samples: "npt.NDArray[Any]", bits: int) -> "npt.NDArray[np.uint8]":
    import numpy as np

    if bits > 8:
        samples = samples >> (bits - 8)
    elif bits < 8:
        samples = samples.astype(np.uint16) * 255 // (2**bits - 1)
    return samples.astype(np.uint8)
