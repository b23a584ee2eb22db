"""Tell which private elements are known to be safe to keep. It keeps and removes none.

Source: PS3.15 2025b §E.3.10 and Table E.3.10-1
"""

import re
from typing import Final

from shared.dicom.deidentification.table import safe_private_vrs
from shared.dicom.elements import DataSet, Element

_FORMS: Final = {
    "DS": re.compile(rb"[0-9+\-.eE\\ \0]*"),
    "IS": re.compile(rb"[0-9+\-\\ \0]*"),
    "CS": re.compile(rb"[A-Z0-9_\\ \0]*"),
}


def is_private(tag: int) -> bool:
    """Tell whether a tag is a private one: its group is odd."""
    return bool(tag >> 16 & 1)


def creator_tag(tag: int) -> int | None:
    """Return the tag of the element that names the creator of a private element; None for that element itself."""
    number = tag & 0xFFFF
    return tag & 0xFFFF_0000 | number >> 8 if number >= 0x1000 else None


def is_safe(element: Element, data_set: DataSet) -> bool:
    """Tell whether the table lists a private element, and it is what the table says: its VR, numbers where it says so.

    Args:
        element: private.
        data_set: which holds it, and its creator.
    """
    at = creator_tag(element.tag)
    creator = None if at is None else data_set.get(at)
    if creator is None or not isinstance(creator.value, bytes):
        return False
    name = creator.value.decode("latin-1").strip(" \0")
    vr = safe_private_vrs().get((name, element.tag >> 16, element.tag & 0xFF))
    if vr is None or element.vr != vr or element.value is None:
        return False
    form = _FORMS.get(vr)
    return form is None or (isinstance(element.value, bytes) and form.fullmatch(element.value) is not None)
