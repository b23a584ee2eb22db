"""Turn the elements of a header into those of Explicit VR Little Endian. It writes none, and decodes no values.

Source: PS3.5 2024e §7.1.2, §7.3 and §A.2
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from shared.dicom.elements import DataSet, Element, integer_of
from shared.dicom.tags import PIXEL_DATA, PIXEL_DATA_TAGS, PIXEL_REPRESENTATION
from shared.dicom.vr_lookup import resolve_ambiguous_vr

_BITS_ALLOCATED: Final = 0x0028_0100
_WORD_LENGTHS: Final = {
    **dict.fromkeys(("AT", "OW", "SS", "US"), 2),
    **dict.fromkeys(("FL", "OF", "OL", "SL", "UL"), 4),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), 8),
}


@dataclass(frozen=True, slots=True)
class _Place:
    """What holds for all elements below: how the file is written, and what is around."""

    read: Callable[[int, int], bytes]
    byte_order: str
    pixel_representation: int = 0
    is_top: bool = True


def explicit_little_endian(elements: DataSet, byte_order: str, read: Callable[[int, int], bytes]) -> DataSet:
    """Return *elements* with a VR each and their words in little endian.

    Values that were too large to be read with the header are read, but for the pixel data.

    Args:
        elements: of a header.
        byte_order: of the file, "<" or ">".
        read: returns the bytes [start, end), counted as the elements count them.
    """
    return _data_set(elements, _Place(read, byte_order))


def turn_words(value: bytes, length: int) -> bytes:
    """Return *value* with the bytes of each word of *length* bytes in the other order; what is over stays."""
    if length == 1:
        return value
    whole = len(value) // length * length
    turned = bytearray(value)
    for number in range(length):
        turned[number:whole:length] = value[length - 1 - number : whole : length]
    return bytes(turned)


def _data_set(data_set: DataSet, place: _Place) -> DataSet:
    representation = integer_of(data_set, PIXEL_REPRESENTATION, place.byte_order)
    if representation is not None:
        place = replace(place, pixel_representation=representation)
    inner = replace(place, is_top=False)
    turned: DataSet = {}
    for tag, element in data_set.items():
        if isinstance(element.value, list):
            items = [_data_set(item, inner) for item in element.value]
            turned[tag] = element._replace(vr="SQ", value=items)
        else:
            turned[tag] = _element(element, data_set, place)
    return turned


def _element(element: Element, data_set: DataSet, place: _Place) -> Element:
    vr = element.vr
    if " or " in vr:
        vr = resolve_ambiguous_vr(vr, element.tag, data_set, place.byte_order, place.pixel_representation)
    if place.is_top and element.tag in PIXEL_DATA_TAGS:
        return element._replace(vr=vr)
    value = element.value
    if not isinstance(value, bytes):
        value = place.read(element.offset, element.offset + element.length)
    if place.byte_order == ">":
        value = turn_words(value, word_length(vr, element.tag, data_set, place.byte_order))
    return Element(element.tag, vr, 0, len(value), value)


def word_length(vr: str, tag: int, data_set: DataSet, byte_order: str) -> int:
    """Return how many bytes of a value belong together; 1 where each stands for itself."""
    length = _WORD_LENGTHS.get(vr, 1)
    if tag == PIXEL_DATA and length > 1:
        bits = integer_of(data_set, _BITS_ALLOCATED, byte_order) or 0
        return max(length, bits // 8) if bits in (32, 64) else length
    return length
