"""Write a DICOM file anew in another transfer syntax, its pixels unchanged. It reads no store.

Source: PS3.5 2024e §8, §A.2 and §A.4.4
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.dicom.frame_media_types import JPEG_2000_LOSSLESS
from shared.dicom.tags import EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN
from shared.errors import DamagedDicomError, NotAcceptableError
from shared.pixels.decode_frame import decode_frame
from shared.pixels.image_attributes import ImageAttributes

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset

TARGETS: Final = frozenset({EXPLICIT_VR_LITTLE_ENDIAN, JPEG_2000_LOSSLESS})
"""Transfer syntaxes that files are written in."""
_WORD_LENGTHS: Final = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_OFFSET_TABLES: Final = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")


@dataclass(frozen=True, slots=True)
class EncodedFrames:
    """Compressed frames as they are stored, and how they are to be understood."""

    image: ImageAttributes
    frames: Sequence[bytes]


def transcode_file(
    data: bytes, transfer_syntax_uid: str, target: str, *, encoded: EncodedFrames | None
) -> bytes:
    """Return a file whose data set is that of *data*, in another transfer syntax.

    Colours in YBR become RGB where they are decoded. What was lost by lossy compression stays told.

    Args:
        data: The file.
        transfer_syntax_uid: Its transfer syntax.
        target: One of TARGETS.
        encoded: Its frames if they are compressed; None if they are native or there are none.

    Raises:
        DamagedDicomError: It cannot be read, decoded or written.
        NotAcceptableError: Its pixels cannot be told in *target*.
    """
    import pydicom

    try:
        data_set = pydicom.dcmread(io.BytesIO(data), force=True)
        if any(element.VR is None for element in data_set.values()):
            _read_values(data_set)
        if transfer_syntax_uid == EXPLICIT_VR_BIG_ENDIAN:
            _swap_words(data_set)
        if encoded is not None:
            _put_native_pixels(data_set, encoded, transfer_syntax_uid)
        data_set.file_meta.TransferSyntaxUID = pydicom.uid.UID(EXPLICIT_VR_LITTLE_ENDIAN)
        if target == JPEG_2000_LOSSLESS:
            _compress(data_set)
        written = io.BytesIO()
        # Not its own save_as, which refuses to turn big endian files: their words were turned above.
        pydicom.dcmwrite(written, data_set, enforce_file_format=True, implicit_vr=False, little_endian=True)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RuntimeError, OSError) as error:
        raise DamagedDicomError(
            f"the instance cannot be written in {target} ({type(error).__name__}); ask for transfer-syntax=* to"
            " have it as it is stored"
        ) from None
    return written.getvalue()


def _put_native_pixels(data_set: "Dataset", encoded: EncodedFrames, transfer_syntax_uid: str) -> None:
    image = encoded.image
    kind = f"<{'i' if image.pixel_representation else 'u'}{image.bits_allocated // 8}"
    native = bytearray()
    photometric = image.photometric_interpretation
    for frame in encoded.frames:
        decoded = decode_frame(frame, image, transfer_syntax_uid)
        photometric = decoded.photometric_interpretation
        native += decoded.pixels.astype(kind, copy=False).tobytes()
    if len(native) % 2:
        native.append(0)
    data_set.PixelData = bytes(native)
    data_set["PixelData"].VR = "OW" if image.bits_allocated > 8 else "OB"
    data_set["PixelData"].is_undefined_length = False
    data_set.PhotometricInterpretation = photometric
    if image.samples_per_pixel > 1:
        data_set.PlanarConfiguration = 0
    for keyword in _OFFSET_TABLES:
        if keyword in data_set:
            delattr(data_set, keyword)


def _compress(data_set: "Dataset") -> None:
    """Compress native pixels without loss."""
    import pydicom

    if "PixelData" not in data_set or data_set.BitsAllocated not in {8, 16}:
        raise NotAcceptableError(
            f"only pixel data of 8 or 16 bits is written in {JPEG_2000_LOSSLESS}; ask for transfer-syntax=*"
        )
    try:
        data_set.compress(
            pydicom.uid.UID(JPEG_2000_LOSSLESS), encoding_plugin="pylibjpeg", generate_instance_uid=False
        )
    except (RuntimeError, ValueError) as error:
        raise NotAcceptableError(
            f"these pixels are not written in {JPEG_2000_LOSSLESS} ({type(error).__name__}); ask for"
            " transfer-syntax=*"
        ) from None


def _read_values(data_set: "Dataset") -> None:
    """Have the values read of a file in which Implicit VR stands where its meta information says Explicit.

    pydicom would write such elements as they came, and they have no VR.
    """
    for _ in data_set.iterall():
        pass


def _swap_words(data_set: "Dataset") -> None:
    """Turn the words of binary values from big to little endian; other values turn as they are written."""
    import numpy as np

    def swap(owner: "Dataset", element: "DataElement") -> None:
        length = _WORD_LENGTHS.get(str(element.VR))
        if length is None or not isinstance(element.value, bytes):
            return
        if element.keyword == "PixelData":
            length = max(length, int(owner.BitsAllocated) // 8)
        whole = len(element.value) // length * length
        words = np.frombuffer(element.value[:whole], f">u{length}")
        element.value = words.astype(f"<u{length}").tobytes() + element.value[whole:]

    data_set.walk(swap)
