"""Blank parts of pictures out: everything but given rectangles, or given rectangles. It knows not why.

Source: PS3.3 2024e §C.7.6.3; PS3.15 2026d §E.3.1
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from shared.errors import NotAcceptableError
from shared.pixels.image_attributes import ImageAttributes

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAX_MASKED_BYTES: Final = 256 * 1024 * 1024
"""Of all frames of one file when they are decoded."""
_GREY: Final = frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"})
_COLOUR: Final = frozenset({"RGB", "YBR_FULL"})


class Rectangle(NamedTuple):
    """Columns [left, right) and rows [top, bottom), from the upper left corner."""

    left: int
    top: int
    right: int
    bottom: int


class Mask(NamedTuple):
    """What stays: what lies in one of *kept* (None: everything), and in none of *blanked*."""

    kept: tuple[Rectangle, ...] | None
    blanked: tuple[Rectangle, ...]


def mask_native(value: bytes, image: ImageAttributes, frames: int, mask: Mask, *, byte_order: str) -> bytes:
    """Return native pixel data, masked; what stays is as it was, bit for bit.

    Args:
        value: of the pixel data, all frames.
        image: how it is to be understood.
        frames: how many there are.
        mask: what stays.
        byte_order: "<" or ">".

    Raises:
        NotAcceptableError: these pixels cannot be masked as they are stored.
    """
    import numpy as np

    check_maskable(image, frames)
    if byte_order == ">" and image.bits_allocated == 8 and image.pixel_vr == "OW":
        raise NotAcceptableError("8-bit pixels in big endian words are not masked; transcode the file first")
    samples = image.samples_per_pixel
    kind = np.dtype(f"{byte_order}u{image.bits_allocated // 8}")
    count = frames * image.rows * image.columns * samples
    if len(value) < count * kind.itemsize:
        raise NotAcceptableError("the pixel data is shorter than its frames, so nothing tells where to mask")
    pixels = np.frombuffer(value, kind, count).copy()
    by_plane = samples > 1 and image.planar_configuration == 1
    shape = (
        (frames, samples, image.rows, image.columns)
        if by_plane
        else (frames, image.rows, image.columns, samples)
    )
    shaped = pixels.reshape(shape)
    blank(
        np.moveaxis(shaped, 1, -1) if by_plane else shaped,
        image,
        mask,
        photometric_interpretation=image.photometric_interpretation,
    )
    return pixels.tobytes() + value[count * kind.itemsize :]


def blank(
    pixels: "npt.NDArray[Any]", image: ImageAttributes, mask: Mask, *, photometric_interpretation: str
) -> None:
    """Blank out what does not stay of (..., rows, columns, samples), in place; colours mean what they are said to."""
    hidden = _hidden(image.rows, image.columns, mask)
    pixels[..., hidden, :] = _black(image, photometric_interpretation).astype(pixels.dtype)


def check_maskable(image: ImageAttributes, frames: int) -> None:
    """Refuse pixels of which nobody knows which byte shows what, or which are too many.

    Raises:
        NotAcceptableError: they are.
    """
    if image.bits_allocated not in (8, 16, 32) or image.photometric_interpretation not in _GREY | _COLOUR:
        raise NotAcceptableError(
            "only pixels of 8, 16 or 32 bits in grey, palette, RGB or YBR_FULL are masked"
        )
    if frames * image.decoded_length > MAX_MASKED_BYTES:
        raise NotAcceptableError(f"frames of more than {MAX_MASKED_BYTES} bytes together are not masked")


def _hidden(rows: int, columns: int, mask: Mask) -> "npt.NDArray[np.bool_]":
    import numpy as np

    hidden = np.full((rows, columns), fill_value=mask.kept is not None)
    _paint(hidden, mask.kept or (), value=False)
    _paint(hidden, mask.blanked, value=True)
    return hidden


def _paint(hidden: "npt.NDArray[np.bool_]", rectangles: Sequence[Rectangle], *, value: bool) -> None:
    for left, top, right, bottom in rectangles:
        hidden[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = value


def _black(image: ImageAttributes, photometric_interpretation: str) -> "npt.NDArray[np.int64]":
    """Return the samples of a black pixel: of MONOCHROME1 the highest value, of YBR no colour, of a palette entry 0."""
    import numpy as np

    if photometric_interpretation == "YBR_FULL":
        return np.array([0, 128, 128])
    lowest, highest = 0, (1 << image.bits_stored) - 1
    if image.pixel_representation:
        # Two's complement of the bits stored; what is beyond them is not looked at.
        lowest, highest = 1 << (image.bits_stored - 1), (1 << (image.bits_stored - 1)) - 1
    value = {"MONOCHROME1": highest, "MONOCHROME2": lowest}.get(photometric_interpretation, 0)
    return np.full(image.samples_per_pixel, value)
