"""What is masked is black, and what is not is as it was."""

from dataclasses import replace

import numpy as np
import pytest

from shared.errors import NotAcceptableError
from shared.pixels.image_attributes import ImageAttributes
from shared.pixels.mask_pixels import Mask, Rectangle, mask_native

GREY = ImageAttributes(4, 6, 1, 8, 8, 0, 0, "MONOCHROME2", "PixelData", "OB")
INSIDE = Mask((Rectangle(1, 1, 3, 4), Rectangle(2, 0, 5, 2)), ())
OUTSIDE = Mask(None, (Rectangle(0, 0, 6, 1), Rectangle(4, 3, 99, 99)))


def shown(mask: Mask) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return which pixels stay, by the definition."""
    stays = np.zeros((GREY.rows, GREY.columns), np.bool_)
    for row in range(GREY.rows):
        for column in range(GREY.columns):

            def covers(one: Rectangle, row: int = row, column: int = column) -> bool:
                return one.left <= column < one.right and one.top <= row < one.bottom

            kept = mask.kept is None or any(covers(one) for one in mask.kept)
            stays[row, column] = kept and not any(covers(one) for one in mask.blanked)
    return stays


@pytest.mark.parametrize("mask", [INSIDE, OUTSIDE])
@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize(
    ("image", "black"),
    [
        (GREY, [0]),
        (replace(GREY, bits_allocated=16, bits_stored=12, pixel_vr="OW"), [0]),
        (replace(GREY, bits_allocated=16, bits_stored=12, photometric_interpretation="MONOCHROME1"), [4095]),
        (replace(GREY, bits_allocated=16, bits_stored=12, pixel_representation=1), [0x800]),
        (replace(GREY, samples_per_pixel=3, photometric_interpretation="RGB"), [0, 0, 0]),
        (replace(GREY, samples_per_pixel=3, photometric_interpretation="YBR_FULL"), [0, 128, 128]),
        (
            replace(GREY, samples_per_pixel=3, planar_configuration=1, photometric_interpretation="RGB"),
            [0] * 3,
        ),
    ],
)
def test_masks_every_frame(image: ImageAttributes, black: list[int], mask: Mask, byte_order: str) -> None:
    """In every layout of samples and either byte order; a byte of padding stays."""
    kind = f"{byte_order}u{image.bits_allocated // 8}"
    samples = image.samples_per_pixel
    frames = np.random.default_rng(1).integers(1, 200, (2, 4, 6, samples)).astype(kind)
    stored = np.moveaxis(frames, -1, 1) if image.planar_configuration else frames

    out = mask_native(stored.tobytes() + b"\0", image, 2, mask, byte_order=byte_order)

    masked = np.frombuffer(out[:-1], kind).reshape(stored.shape)
    masked = np.moveaxis(masked, 1, -1) if image.planar_configuration else masked
    stays = shown(mask)
    assert out[-1:] == b"\0"
    assert (masked[:, stays] == frames[:, stays]).all()
    assert (masked[:, ~stays] == black).all()
    assert 0 < stays.sum() < stays.size


@pytest.mark.parametrize(
    "image",
    [
        replace(GREY, bits_allocated=1, bits_stored=1),
        replace(GREY, photometric_interpretation="YBR_FULL_422", samples_per_pixel=3),
        replace(GREY, rows=60_000, columns=60_000),
        replace(GREY, rows=40),
    ],
)
def test_refuses_what_it_cannot_mask(image: ImageAttributes) -> None:
    """Packed bits, subsampled colours, too many pixels, fewer bytes than pixels."""
    with pytest.raises(NotAcceptableError):
        mask_native(bytes(24), image, 1, INSIDE, byte_order="<")


def test_refuses_bytes_that_lie_in_big_endian_words() -> None:
    """Nothing tells there which byte is which pixel."""
    with pytest.raises(NotAcceptableError):
        mask_native(bytes(24), replace(GREY, pixel_vr="OW"), 1, INSIDE, byte_order=">")
