"""Describe one data element as it lies in a file, and decode its few header bytes. It converts no values."""

import re
from struct import Struct
from typing import Final, NamedTuple

from shared.dicom.tags import LONG_VRS, SHORT_VRS


class Element(NamedTuple):
    """A data element as it lies in a file.

    Attributes:
        tag: group and element number, as group << 16 | element.
        vr: its VR; looked up in the dictionary where the file does not say, so it may be ambiguous ("US or SS").
        offset: where its value begins, in bytes from the start of the file (deflated files: of the inflated data set).
        length: of its value in bytes; of an undefined length, what was found; 0 for a sequence.
        value: the bytes as stored; the items of a sequence; None for a value too large to be read with the header.
    """

    tag: int
    vr: str
    offset: int
    length: int
    value: "bytes | list[DataSet] | None"


type DataSet = dict[int, Element]
"""Elements by tag, in the order of the file; of a tag that comes twice the last, as pydicom has it."""


class ElementHeader(NamedTuple):
    """The tag, VR and length before a value; `vr` is None where the encoding leaves it out."""

    tag: int
    vr: str | None
    length: int
    size: int


class Encoding(NamedTuple):
    """The struct formats of one byte order."""

    explicit: Struct
    implicit: Struct
    length: Struct
    byte_order: str


_INTEGER: Final = re.compile(rb"[+-]?[0-9]+")
_LONGEST_INTEGER: Final = 12

LITTLE_ENDIAN: Final = Encoding(Struct("<HH2sH"), Struct("<HHL"), Struct("<L"), "<")
BIG_ENDIAN: Final = Encoding(Struct(">HH2sH"), Struct(">HHL"), Struct(">L"), ">")


def is_vr(two_bytes: bytes) -> bool:
    """Tell whether two bytes can be a VR: two capital letters, as no sane length in bytes looks."""
    return len(two_bytes) == 2 and two_bytes.isalpha() and two_bytes.isupper()


def decode_header(data: bytes, at: int, encoding: Encoding, *, implicit: bool) -> ElementHeader | None:
    """Decode the element header at index `at`, or return None when `data` ends inside it.

    In explicit encodings an element whose VR is no VR is read as implicit (some writers switch inside sequences),
    and one with an unknown VR as UN with a two-byte length, as pydicom reads them.

    Source: PS3.5 2024e §7.1.2 and §7.1.3
    """
    if len(data) < at + 8:
        return None
    group, number, vr_bytes, length = encoding.explicit.unpack_from(data, at)
    tag = group << 16 | number
    if implicit or not is_vr(vr_bytes):
        return ElementHeader(tag, None, encoding.implicit.unpack_from(data, at)[2], 8)
    vr = LONG_VRS.get(vr_bytes)
    if vr is None:
        return ElementHeader(tag, SHORT_VRS.get(vr_bytes, "UN"), length, 8)
    if len(data) < at + 12:
        return None
    return ElementHeader(tag, vr, encoding.length.unpack_from(data, at + 8)[0], 12)


def integer_of(data_set: DataSet, tag: int, byte_order: str) -> int | None:
    """Return the first value of an integer element (IS, US, SS, UL, SL), or None when there is none.

    Args:
        data_set: where to look, not in its sequences.
        tag: of the element.
        byte_order: "<" or ">".
    """
    element = data_set.get(tag)
    if element is None or not isinstance(element.value, bytes):
        return None
    if element.vr == "IS":
        digits = element.value.split(b"\\")[0].strip(b" \0")
        return int(digits) if len(digits) <= _LONGEST_INTEGER and _INTEGER.fullmatch(digits) else None
    size = 4 if element.vr in ("UL", "SL") else 2
    if len(element.value) < size:
        return None
    return int.from_bytes(
        element.value[:size], "big" if byte_order == ">" else "little", signed=element.vr in ("SS", "SL")
    )
