"""Say which VR an element has whose file does not tell, by pydicom's dictionaries. It reads no bytes of a file."""

from functools import lru_cache
from typing import Final

from shared.dicom.elements import DataSet, ElementHeader, integer_of
from shared.dicom.tags import LUT_DATA, LUT_DESCRIPTOR

_LONGEST_UN_OF_KNOWN_VR: Final = 0xFFFF


@lru_cache(maxsize=8192)
def _public_vr(tag: int) -> str | None:
    from pydicom.datadict import dictionary_VR

    try:
        return str(dictionary_VR(tag))
    except KeyError:
        return None


@lru_cache(maxsize=1024)
def _private_vr(tag: int, creator: str) -> str | None:
    from pydicom.datadict import private_dictionary_VR

    try:
        return str(private_dictionary_VR(tag, creator))
    except KeyError:
        return None


def is_public_tag(tag: int) -> bool:
    """Tell whether the data dictionary knows a tag."""
    return _public_vr(tag) is not None


def look_up_vr(tag: int, data_set: DataSet) -> str | None:
    """Return the VR of an element, or None when no dictionary has it.

    Ambiguous VRs come as the dictionary has them, such as "US or SS".

    Args:
        tag: the element's.
        data_set: what precedes it in its data set: the private creator names the dictionary of a private tag.

    Source: PS3.6 2024e §6; PS3.5 2024e §7.8.1
    """
    group, number = tag >> 16, tag & 0xFFFF
    if not group & 1:
        return _public_vr(tag)
    if 0x10 <= number <= 0xFF:
        return "LO"
    creator = data_set.get(group << 16 | number >> 8)
    if creator is None or not isinstance(creator.value, bytes):
        return None
    return _private_vr(tag, creator.value.decode("latin-1").rstrip("\0 "))


def vr_of(header: ElementHeader, data_set: DataSet) -> str:
    """Return an element's VR as written, or as the dictionaries have it where it was left out or written as UN.

    Long values that are written as UN stay UN, as in pydicom; UN is also what no dictionary knows.
    """
    if header.vr is None or (header.vr == "UN" and header.length < _LONGEST_UN_OF_KNOWN_VR):
        return look_up_vr(header.tag, data_set) or "UN"
    return header.vr


def resolve_ambiguous_vr(
    vr: str, tag: int, data_set: DataSet, byte_order: str, pixel_representation: int
) -> str:
    """Return the one VR that an ambiguous one of the dictionary means here.

    Args:
        vr: "US or SS", "OB or OW", "US or OW" or "US or SS or OW".
        tag: the element's.
        data_set: which holds the element.
        byte_order: "<" or ">".
        pixel_representation: of the nearest data set around the element that has it; 0 where none has.

    Source: PS3.5 2024e §A.1 (implicit VR: OW); PS3.3 2024e §C.11.1.1.1 (LUT data), §C.7.6.3.1 (pixel representation)
    """
    if vr == "US or SS":
        return "US" if pixel_representation == 0 else "SS"
    if tag == LUT_DATA and integer_of(data_set, LUT_DESCRIPTOR, byte_order) == 1:
        return "US"
    return "OW"
