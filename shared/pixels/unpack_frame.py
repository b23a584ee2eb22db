"""Unpack JPEG of more than 8 bits, lossless JPEG, JPEG-LS and RLE to native frames. Colours and signs stay as they are packed."""

from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from shared.errors import DamagedDicomError
from shared.pixels.image_attributes import ImageAttributes

if TYPE_CHECKING:
    import numpy.typing as npt

_RLE_HEADER: Final = Struct("<16L")
_RLE_PADDING: Final = 256
"""Pixels that a segment may have too many; they are left out."""


def unpack_jpeg(frame: bytes, image: ImageAttributes) -> bytes:
    """Return the native frame, colour by pixel and little endian, of a JPEG whose dimensions were checked.

    Raises:
        DamagedDicomError: It cannot be decoded, or has more bits than are allocated.

    Source: PS3.5 2024e §8.2.1
    """
    from imagecodecs import Jpeg8Error, jpeg8_decode

    # Naming both spaces alike keeps the decoder from converting: what the samples mean is for the data set to say.
    space = "rgb" if image.samples_per_pixel == 3 else None
    try:
        pixels = jpeg8_decode(frame, colorspace=space, outcolorspace=space)
    except (Jpeg8Error, ValueError, RuntimeError) as error:
        raise DamagedDicomError(f"a JPEG frame cannot be decoded ({type(error).__name__})") from None
    return _native(pixels, image)


def unpack_jpeg_ls(frame: bytes, image: ImageAttributes) -> bytes:
    """Return the native frame, colour by pixel and little endian, of a JPEG-LS stream whose dimensions were checked.

    Raises:
        DamagedDicomError: It cannot be decoded, or has more bits than are allocated.

    Source: PS3.5 2024e §8.2.3
    """
    from imagecodecs import JpeglsError, jpegls_decode

    try:
        pixels = jpegls_decode(frame)
    except (JpeglsError, ValueError, RuntimeError) as error:
        raise DamagedDicomError(f"a JPEG-LS frame cannot be decoded ({type(error).__name__})") from None
    return _native(pixels, image)


def _native(pixels: "npt.NDArray[Any]", image: ImageAttributes) -> bytes:
    size = image.bits_allocated // 8
    if pixels.dtype.kind != "u" or pixels.dtype.itemsize > size:
        raise DamagedDicomError("a frame has more bits than (0028,0100) BitsAllocated states")
    native: bytes = pixels.astype(f"<u{size}").tobytes()
    return native


def unpack_rle(frame: bytes, image: ImageAttributes) -> bytes:
    """Return the native frame, colour by plane and little endian, of an RLE frame.

    Raises:
        DamagedDicomError: It has other segments than the image has planes of bytes, or one is too short.

    Source: PS3.5 2024e §G
    """
    import numpy as np
    from imagecodecs import PackbitsError, packbits_decode

    size = max(image.bits_allocated // 8, 1)
    planes, length = image.samples_per_pixel * size, image.rows * image.columns
    count, *starts = _RLE_HEADER.unpack_from(frame) if len(frame) >= _RLE_HEADER.size else (0,)
    if image.bits_allocated == 1 or count != planes or planes > len(starts):
        raise DamagedDicomError(
            f"an RLE frame has {count} segments where the image has {planes} planes of bytes"
        )
    native = np.empty((image.samples_per_pixel, length, size), np.uint8)
    ends = [*starts[1:count], len(frame)]
    for number, (start, end) in enumerate(zip(starts[:count], ends, strict=True)):
        segment = bytearray(length + _RLE_PADDING)
        try:
            unpacked = packbits_decode(frame[start:end], out=segment)
        except (PackbitsError, ValueError, RuntimeError) as error:
            raise DamagedDicomError(f"an RLE segment cannot be decoded ({type(error).__name__})") from None
        if len(unpacked) < length:
            raise DamagedDicomError("an RLE segment has fewer pixels than the image")
        # The most significant byte comes first.
        native[number // size, :, size - 1 - number % size] = np.frombuffer(unpacked, np.uint8, length)
    return native.tobytes()
