"""Write elements as the bytes of a data set, but for values that still lie in the original: of these it says where.

Sequences and items get an undefined length with delimiters, so that nothing need be measured before it is written.
Source: PS3.5 2024e §7.1 and §7.5
"""

from struct import Struct
from typing import Final, NamedTuple

from shared.dicom.elements import DataSet, Element, Encoding
from shared.dicom.tags import (
    ITEM,
    ITEM_DELIMITER,
    LONG_VRS,
    PIXEL_DATA,
    PIXEL_DATA_TAGS,
    SEQUENCE_DELIMITER,
    UNDEFINED_LENGTH,
)


class Span(NamedTuple):
    """Bytes of the original, [start, end) from the start of its file (deflated: of its inflated data set)."""

    start: int
    end: int
    is_pixel_data: bool


class PixelBytes(NamedTuple):
    """Pixel data that was made anew."""

    data: bytes


type Piece = bytes | Span | PixelBytes


def piece_length(piece: Piece) -> int:
    """Return how many bytes a piece adds."""
    if isinstance(piece, Span):
        return piece.end - piece.start
    return len(piece.data if isinstance(piece, PixelBytes) else piece)


_TEXT_PADDED: Final = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST"}) | {
    "TM",
    "UC",
    "UR",
    "UT",
}
_LONGEST_SHORT: Final = 0xFFFF


class Writer:
    """Collects the pieces of one data set.

    Args:
        encoding: its byte order.
        implicit: whether VRs are left out.
        encapsulated: whether the pixel data consists of fragments; its span then holds them without the delimiter.
        nested_fragments: whether pixel data inside sequences may consist of fragments, as that of icons may.
    """

    def __init__(
        self, encoding: Encoding, *, implicit: bool, encapsulated: bool, nested_fragments: bool = False
    ) -> None:
        self._encoding = encoding
        self._implicit = implicit
        self._encapsulated = encapsulated
        self._nested_fragments = nested_fragments
        self._item = encoding.implicit.pack(ITEM >> 16, ITEM & 0xFFFF, 0)[:4]
        self._tag = Struct(f"{encoding.byte_order}HH")
        self._buffer = bytearray()
        self._pieces: list[Piece] = []

    def write(self, data_set: DataSet) -> list[Piece]:
        """Return the pieces of *data_set*, elements in the order of their tags."""
        self._data_set(data_set, top=True)
        self._flush()
        return self._pieces

    def _data_set(self, data_set: DataSet, *, top: bool = False) -> None:
        for tag in sorted(data_set):
            element = data_set[tag]
            if isinstance(element.value, list):
                self._sequence(tag, element.value)
            elif element.value is not None:
                self._value(element, element.value)
            else:
                self._bulk(element, top=top)

    def _value(self, element: Element, value: bytes) -> None:
        if self._nested_fragments and element.tag == PIXEL_DATA and value.startswith(self._item):
            self._header(element.tag, element.vr, UNDEFINED_LENGTH)
            self._buffer += value
            self._delimiter(SEQUENCE_DELIMITER, 0)
            return
        if len(value) % 2:
            value += b" " if element.vr in _TEXT_PADDED else b"\0"
        self._header(element.tag, element.vr, len(value))
        self._buffer += value

    def _bulk(self, element: Element, *, top: bool) -> None:
        is_pixel_data = top and element.tag in PIXEL_DATA_TAGS
        fragments = is_pixel_data and self._encapsulated
        odd = element.length % 2
        self._header(element.tag, element.vr, UNDEFINED_LENGTH if fragments else element.length + odd)
        self._flush()
        self._pieces.append(Span(element.offset, element.offset + element.length, is_pixel_data))
        if fragments:
            self._delimiter(SEQUENCE_DELIMITER, 0)
        elif odd:
            self._buffer += b" " if element.vr in _TEXT_PADDED else b"\0"

    def _sequence(self, tag: int, items: list[DataSet]) -> None:
        self._header(tag, "SQ", UNDEFINED_LENGTH if items else 0)
        for item in items:
            self._delimiter(ITEM, UNDEFINED_LENGTH)
            self._data_set(item)
            self._delimiter(ITEM_DELIMITER, 0)
        if items:
            self._delimiter(SEQUENCE_DELIMITER, 0)

    def _header(self, tag: int, vr: str, length: int) -> None:
        code = vr.encode("ascii")
        if self._implicit:
            self._buffer += self._encoding.implicit.pack(tag >> 16, tag & 0xFFFF, length)
        elif code in LONG_VRS or length > _LONGEST_SHORT:
            # A value too long for its VR's two-byte length is written as UN (PS3.5 §6.2.2, Note 4).
            self._buffer += self._tag.pack(tag >> 16, tag & 0xFFFF)
            self._buffer += (
                (code if code in LONG_VRS else b"UN") + b"\0\0" + self._encoding.length.pack(length)
            )
        else:
            self._buffer += self._encoding.explicit.pack(tag >> 16, tag & 0xFFFF, code, length)

    def _delimiter(self, tag: int, length: int) -> None:
        self._buffer += self._encoding.implicit.pack(tag >> 16, tag & 0xFFFF, length)

    def _flush(self) -> None:
        if self._buffer:
            self._pieces.append(bytes(self._buffer))
            self._buffer = bytearray()
