"""The form in which values are held against each other in the search index. As dicom/matching.py compares them."""

from collections.abc import Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from shared.dicom.person_names import fold_name, name_groups
from shared.dicom.query_values import NUMBER_VRS

_PLAIN_DIGITS: Final = 40
_WIDE: Final = Context(Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""Takes every number that can be written: a file may say "1E9999999"."""


def texts(vr: str, value: Any) -> list[str]:
    """Return what a value of a DICOM JSON attribute is compared as: a name by each of its groups, a number as one."""
    if vr == "PN":
        return [group for group in name_groups(value) if group]
    if value is None or isinstance(value, Mapping):
        return []
    text = str(value).strip(" \0")
    if vr in NUMBER_VRS:
        text = _canonical(text)
    return [text] if text else []


def asked(vr: str, text: str) -> list[str]:
    """Return what all a value must be compared as to be *text*, which a client wrote; the groups of a name each."""
    if vr == "PN":
        return [group for group in (fold_name(part) for part in text.split("=")) if group]
    return texts(vr, text)


@lru_cache(maxsize=8192)
def vr_of(tag: str, written: str) -> str:
    """Return the VR by which an attribute is compared: the dictionary's, whatever a file says; else *written*."""
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    number = int(tag, 16)
    if number >> 16 & 1 or not dictionary_has_tag(number):
        return written
    vr = str(dictionary_VR(number))
    return "OW" if "OW" in vr else vr[:2]


def _canonical(text: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite():
        return text
    if not number:
        return "0"
    number = number.normalize(_WIDE)
    return format(number, "f") if abs(number.adjusted()) < _PLAIN_DIGITS else str(number)
