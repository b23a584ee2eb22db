"""Decode one frame to an array, whatever its transfer syntax. Values stay as they are stored: no LUT is applied."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from shared.dicom.tags import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
)
from shared.errors import DamagedDicomError, NotAcceptableError
from shared.pixels.codestream import Dimensions, jpeg2000_dimensions, jpeg_dimensions
from shared.pixels.image_attributes import ImageAttributes
from shared.pixels.unpack_frame import unpack_jpeg, unpack_jpeg_ls, unpack_rle

if TYPE_CHECKING:
    import numpy.typing as npt

_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_JPEG_EXTENDED: Final = "1.2.840.10008.1.2.4.51"
_NATIVE: Final = frozenset(
    {IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN, _DEFLATED}
)
_PLUGINS: Final[Mapping[str, str]] = {
    "1.2.840.10008.1.2.4.50": "pillow",
    _JPEG_EXTENDED: "pillow",
    "1.2.840.10008.1.2.4.90": "pylibjpeg",
    "1.2.840.10008.1.2.4.91": "pylibjpeg",
    "1.2.840.10008.1.2.4.201": "pylibjpeg",
    "1.2.840.10008.1.2.4.202": "pylibjpeg",
    "1.2.840.10008.1.2.4.203": "pylibjpeg",
}
"""Which of pydicom's decoders is used: one each, so that a frame looks the same everywhere."""
_RLE: Final = "1.2.840.10008.1.2.5"
_UNPACKED: Final[Mapping[str, Callable[[bytes, ImageAttributes], bytes]]] = {
    _JPEG_EXTENDED: unpack_jpeg,
    "1.2.840.10008.1.2.4.57": unpack_jpeg,
    "1.2.840.10008.1.2.4.70": unpack_jpeg,
    "1.2.840.10008.1.2.4.80": unpack_jpeg_ls,
    "1.2.840.10008.1.2.4.81": unpack_jpeg_ls,
    _RLE: unpack_rle,
}
"""What pydicom has no decoder for that is both permissively licensed and proof against damaged frames (on those gdcm
ends the process, and pylibjpeg-rle panics past every handler), and JPEG-LS, which comes with the same library."""


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A decoded frame.

    Attributes:
        pixels: (rows, columns) or (rows, columns, 3), of the smallest type that holds what is allocated.
        photometric_interpretation: of these pixels; YBR becomes RGB.
    """

    pixels: "npt.NDArray[Any]"
    photometric_interpretation: str


def can_decode(transfer_syntax_uid: str) -> bool:
    """Tell whether there is a decoder for a transfer syntax."""
    return any(transfer_syntax_uid in known for known in (_NATIVE, _PLUGINS, _UNPACKED))


def decode_frame(frame: bytes, image: ImageAttributes, transfer_syntax_uid: str) -> DecodedFrame:
    """Decode one frame.

    Args:
        frame: Its bytes as stored, without item headers; a bit-packed one begins at the lowest bit.
        image: How they are to be understood.
        transfer_syntax_uid: How they are encoded.

    Raises:
        NotAcceptableError: There is no decoder for it.
        DamagedDicomError: The bytes are no such frame.

    Source: PS3.5 2024e §8.1, §8.2 and §A.4
    """
    if not can_decode(transfer_syntax_uid):
        raise NotAcceptableError(
            f"frames in transfer syntax {transfer_syntax_uid} are not decoded here; ask for transfer-syntax=*"
        )
    _check_dimensions(frame, image, transfer_syntax_uid)
    unpack = _UNPACKED.get(transfer_syntax_uid)
    if unpack is None or (transfer_syntax_uid == _JPEG_EXTENDED and image.bits_allocated == 8):
        return _decode(frame, image, transfer_syntax_uid)
    native = unpack(frame, image)
    planar_configuration = 1 if transfer_syntax_uid == _RLE else 0
    return _decode(
        native, replace(image, planar_configuration=planar_configuration), EXPLICIT_VR_LITTLE_ENDIAN
    )


def _check_dimensions(frame: bytes, image: ImageAttributes, transfer_syntax_uid: str) -> None:
    """Refuse a stream that states other dimensions than the data set: decoders allocate what it states."""
    if transfer_syntax_uid in _NATIVE or transfer_syntax_uid == _RLE:
        return
    is_jpeg2000 = _PLUGINS.get(transfer_syntax_uid) == "pylibjpeg"
    read: Callable[[bytes], Dimensions | None] = jpeg2000_dimensions if is_jpeg2000 else jpeg_dimensions
    stated = read(frame)
    if stated is None or stated[:3] != (image.rows, image.columns, image.samples_per_pixel):
        raise DamagedDicomError(
            "the compressed frame does not state the dimensions that (0028,0010) Rows, (0028,0011) Columns and"
            " (0028,0002) SamplesPerPixel state"
        )


def _decode(frame: bytes, image: ImageAttributes, transfer_syntax_uid: str) -> DecodedFrame:
    from pydicom.encaps import encapsulate
    from pydicom.pixels import get_decoder

    is_native = transfer_syntax_uid in _NATIVE
    try:
        pixels, properties = get_decoder(transfer_syntax_uid).as_array(
            frame if is_native else encapsulate([frame], has_bot=False),
            index=0,
            decoding_plugin="" if is_native else _PLUGINS[transfer_syntax_uid],
            rows=image.rows,
            columns=image.columns,
            number_of_frames=1,
            samples_per_pixel=image.samples_per_pixel,
            bits_allocated=image.bits_allocated,
            bits_stored=image.bits_stored,
            pixel_representation=image.pixel_representation,
            planar_configuration=image.planar_configuration,
            photometric_interpretation=image.photometric_interpretation,
            pixel_keyword=image.pixel_keyword,
            pixel_vr=image.pixel_vr,
        )
    except (ValueError, RuntimeError, NotImplementedError, AttributeError, TypeError, IndexError) as error:
        raise _undecodable(transfer_syntax_uid, error) from None
    return DecodedFrame(pixels, str(properties["photometric_interpretation"]))


def _undecodable(transfer_syntax_uid: str, error: Exception) -> DamagedDicomError:
    return DamagedDicomError(
        f"a frame cannot be decoded as {transfer_syntax_uid} ({type(error).__name__}); "
        "retrieve it with transfer-syntax=* to have it as it is stored"
    )
