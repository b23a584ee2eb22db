"""Write a DICOM file anew in another transfer syntax, its pixels unchanged. It reads no store.

Source: PS3.5 2024e §8, §A.2 and §A.4.4; PS3.10 2024e §7.1
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from shared.dicom.element_writer import Span, Writer
from shared.dicom.elements import LITTLE_ENDIAN, DataSet, Element
from shared.dicom.explicit_little_endian import explicit_little_endian, turn_words, word_length
from shared.dicom.frame_media_types import JPEG_2000_LOSSLESS
from shared.dicom.header import Header
from shared.dicom.tags import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    EXTENDED_OFFSET_TABLE,
    EXTENDED_OFFSET_TABLE_LENGTHS,
    PIXEL_DATA,
    TRANSFER_SYNTAX_UID,
)
from shared.errors import DamagedDicomError, NotAcceptableError
from shared.pixels.decode_frame import decode_frame
from shared.pixels.encode_frame import encode_frame
from shared.pixels.image_attributes import ImageAttributes

TARGETS: Final = frozenset({EXPLICIT_VR_LITTLE_ENDIAN, JPEG_2000_LOSSLESS})
"""Transfer syntaxes that files are written in."""
_PREAMBLE: Final = 128
_PREFIX: Final = b"DICM"
_PHOTOMETRIC_INTERPRETATION: Final = 0x0028_0004
_PLANAR_CONFIGURATION: Final = 0x0028_0006
_META_LENGTH: Final = 0x0002_0000
_META_VERSION: Final = 0x0002_0001
_META_OF: Final = {0x0002_0002: 0x0008_0016, 0x0002_0003: 0x0008_0018}
"""What the file meta information repeats of the data set."""


@dataclass(frozen=True, slots=True)
class EncodedFrames:
    """Frames as they are stored, and how they are to be understood."""

    image: ImageAttributes
    frames: Sequence[bytes]


class _Pixels(NamedTuple):
    """Pixel data as it is to be written, and what is said of it; fragments without the delimiter behind them."""

    value: bytes
    vr: str
    photometric_interpretation: str
    is_encapsulated: bool


def transcode_file(
    header: Header, content: bytes, data: bytes, target: str, *, encoded: EncodedFrames | None
) -> bytes:
    """Return a file whose data set is that of another, in another transfer syntax.

    Colours in YBR become RGB where they are decoded. What was lost by lossy compression stays told.

    Args:
        header: Of the file.
        content: What offsets in *header* count in: the file, or its inflated data set.
        data: The file.
        target: One of TARGETS.
        encoded: Its frames, if they are compressed or to be compressed; else None.

    Raises:
        DamagedDicomError: It cannot be decoded.
        NotAcceptableError: Its pixels cannot be told in *target*.
    """
    elements = explicit_little_endian(
        header.elements, header.byte_order, lambda start, end: content[start:end]
    )
    pixels = _pixels(header, content, target, encoded)
    if pixels is not None and header.pixel_layout is not None:
        _describe(elements, header.pixel_layout.tag, pixels, encoded)
    is_compressed = header.pixel_layout is not None and header.pixel_layout.encapsulated
    writer = Writer(
        LITTLE_ENDIAN,
        implicit=False,
        encapsulated=pixels is not None and pixels.is_encapsulated,
        nested_fragments=is_compressed,
    )
    written = [_start(header, data, target)]
    for piece in writer.write(elements):
        if isinstance(piece, Span):
            written.append(pixels.value if pixels is not None else content[piece.start : piece.end])
        elif isinstance(piece, bytes):
            written.append(piece)
    return b"".join(written)


def _pixels(header: Header, content: bytes, target: str, encoded: EncodedFrames | None) -> _Pixels | None:
    """Return what becomes of the pixel data; None if it is written as it is, or there is none."""
    layout = header.pixel_layout
    if encoded is not None and layout is not None and layout.tag == PIXEL_DATA:
        if target == JPEG_2000_LOSSLESS:
            return _compressed(encoded, header.transfer_syntax_uid)
        return _decoded(encoded, header.transfer_syntax_uid)
    if target == JPEG_2000_LOSSLESS:
        raise NotAcceptableError(
            f"only pixel data of 8 or 16 bits is written in {JPEG_2000_LOSSLESS}; ask for transfer-syntax=*"
        )
    if layout is None or header.byte_order != ">":
        return None
    element = header.elements[layout.tag]
    vr = "OW" if " or " in element.vr else element.vr
    value = content[layout.offset : layout.offset + layout.length]
    turned = turn_words(value, word_length(vr, layout.tag, header.elements, header.byte_order))
    return _Pixels(turned, vr, "", is_encapsulated=False)


def _decoded(encoded: EncodedFrames, transfer_syntax_uid: str) -> _Pixels:
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
    vr = "OW" if image.bits_allocated > 8 else "OB"
    return _Pixels(bytes(native), vr, photometric, is_encapsulated=False)


def _compressed(encoded: EncodedFrames, transfer_syntax_uid: str) -> _Pixels:
    """Return the frames compressed without loss, one fragment each, behind a Basic Offset Table."""
    from pydicom.encaps import encapsulate

    frames = []
    photometric = encoded.image.photometric_interpretation
    for frame in encoded.frames:
        decoded = decode_frame(frame, encoded.image, transfer_syntax_uid)
        photometric = decoded.photometric_interpretation
        frames.append(encode_frame(decoded.pixels, encoded.image, photometric))
    if not frames:
        raise DamagedDicomError("the instance has no frame")
    has_table = sum(len(frame) + 8 for frame in frames) < 2**32
    return _Pixels(encapsulate(frames, has_bot=has_table), "OB", photometric, is_encapsulated=True)


def _describe(elements: DataSet, tag: int, pixels: _Pixels, encoded: EncodedFrames | None) -> None:
    """Put pixel data into *elements*, to be written where its span says, and what must be said of it."""
    elements[tag] = Element(tag, pixels.vr, 0, len(pixels.value), None)
    if encoded is None:
        return
    photometric = pixels.photometric_interpretation.encode("ascii")
    _put(elements, _PHOTOMETRIC_INTERPRETATION, "CS", photometric)
    if encoded.image.samples_per_pixel > 1:
        _put(elements, _PLANAR_CONFIGURATION, "US", b"\0\0")
    for table in (EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS):
        elements.pop(table, None)


def _start(header: Header, data: bytes, target: str) -> bytes:
    """Return the preamble and the file meta information, which are the file's own but for the transfer syntax."""
    has_preamble = data[_PREAMBLE : _PREAMBLE + len(_PREFIX)] == _PREFIX
    preamble = data[:_PREAMBLE] if has_preamble else bytes(_PREAMBLE)
    meta: DataSet = {}
    for tag, element in header.file_meta.items():
        if isinstance(element.value, bytes):
            meta[tag] = element
    for tag, source in _META_OF.items():
        found = header.elements.get(source)
        if tag not in meta and found is not None and isinstance(found.value, bytes):
            meta[tag] = found._replace(tag=tag, vr="UI")
    if _META_VERSION not in meta:
        _put(meta, _META_VERSION, "OB", b"\0\1")
    _put(meta, TRANSFER_SYNTAX_UID, "UI", target.encode("ascii"))
    meta.pop(_META_LENGTH, None)
    body = _written(meta)
    length: DataSet = {}
    _put(length, _META_LENGTH, "UL", len(body).to_bytes(4, "little"))
    return preamble + _PREFIX + _written(length) + body


def _written(elements: DataSet) -> bytes:
    pieces = Writer(LITTLE_ENDIAN, implicit=False, encapsulated=False).write(elements)
    return b"".join(piece for piece in pieces if isinstance(piece, bytes))


def _put(elements: DataSet, tag: int, vr: str, value: bytes) -> None:
    elements[tag] = Element(tag, vr, 0, len(value), value)
