"""Encode one frame without loss. What it shows stays as it is: no LUT is applied."""

from typing import TYPE_CHECKING, Any

from shared.dicom.frame_media_types import JPEG_2000_LOSSLESS
from shared.errors import NotAcceptableError
from shared.pixels.image_attributes import ImageAttributes

if TYPE_CHECKING:
    import numpy.typing as npt


def encode_frame(
    pixels: "npt.NDArray[Any]", image: ImageAttributes, photometric_interpretation: str
) -> bytes:
    """Return a frame as a JPEG 2000 codestream, from which the same values are decoded again.

    Args:
        pixels: (rows, columns) or (rows, columns, 3), of 8 or 16 bits.
        image: How the frame is to be understood.
        photometric_interpretation: Of these pixels.

    Raises:
        NotAcceptableError: It has other bits, or cannot be told so.

    Source: PS3.5 2024e §A.4.4
    """
    from pydicom.pixels import get_encoder

    if image.bits_allocated not in {8, 16} or pixels.dtype.kind == "f":
        raise NotAcceptableError(
            f"only frames of 8 or 16 bits are written in {JPEG_2000_LOSSLESS}; ask for transfer-syntax=*"
        )
    kind = f"<{'i' if image.pixel_representation else 'u'}{image.bits_allocated // 8}"
    try:
        encoded: bytes = get_encoder(JPEG_2000_LOSSLESS).encode(
            pixels.astype(kind, copy=False).tobytes(),
            index=0,
            encoding_plugin="pylibjpeg",
            rows=image.rows,
            columns=image.columns,
            number_of_frames=1,
            samples_per_pixel=image.samples_per_pixel,
            bits_allocated=image.bits_allocated,
            bits_stored=image.bits_stored,
            pixel_representation=image.pixel_representation,
            photometric_interpretation=photometric_interpretation,
            planar_configuration=0,
        )
    except (RuntimeError, ValueError) as error:
        raise NotAcceptableError(
            f"these pixels are not written in {JPEG_2000_LOSSLESS} ({type(error).__name__}); ask for"
            " transfer-syntax=*"
        ) from None
    return encoded
