"""Reads the value of a search key by its VR: one value, a list, a wild card, a range. It knows no attribute names.

Two readings go beyond the letter of the standard, for clients in use: UIDs in a list may be joined by a backslash as
well as by a comma, and code strings (VR CS) may be a list too, since neither separator can be part of one.

Source: PS3.4 2024d §C.2.2.2; PS3.18 2024e §8.3.4.1
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from shared.dicom.person_names import name_words
from shared.dicom.query import AnyOf, FuzzyName, Match, SingleValue, Universal, Wildcard
from shared.dicom.temporal import parse_range
from shared.dicom.uids import validate_uid
from shared.errors import InvalidQueryError, UnsupportedQueryError

MAX_LIST_VALUES = 1000
MAX_VALUE_LENGTH = 1024
"""Of one value, in characters."""

_WILDCARD_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
NUMBER_VRS = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
_TEMPORAL_VRS = frozenset({"DA", "DT", "TM"})
_LIST_VRS = frozenset({"CS", "UI"})
_PLAIN = {"AS": re.compile(r"\d{3}[DWMY]", re.ASCII), "AT": re.compile(r"[0-9A-F]{8}")}
_LIST_SEPARATOR = re.compile(r"[,\\]")
_ONLY_STARS = re.compile(r"\*+")


def parse_match(vr: str, value: str, *, fuzzymatching: bool) -> Match:
    """Return how *value*, decoded, is to match an attribute of this VR.

    Raises:
        InvalidQueryError: It has no meaning for this VR.
        InvalidUidError: The VR is UI, and it holds what is no UID.
        UnsupportedQueryError: Values of this VR cannot be matched.

    Source: PS3.4 2024d §C.2.2.2
    """
    value = value.strip()
    if not value:
        return Universal()
    if vr in _LIST_VRS and len(values := _LIST_SEPARATOR.split(value)) > 1:
        return _any_of(vr, values)
    if len(value) > MAX_VALUE_LENGTH:
        raise InvalidQueryError(
            f"the value has {len(value)} characters; at most {MAX_VALUE_LENGTH} are matched"
        )
    if vr in _TEMPORAL_VRS:
        return parse_range(vr, value)
    if vr in _WILDCARD_VRS:
        return _text_match(vr, value, fuzzymatching=fuzzymatching)
    return _exact_match(vr, value)


def _text_match(vr: str, value: str, *, fuzzymatching: bool) -> Match:
    if _ONLY_STARS.fullmatch(value):
        return Universal()
    if "*" in value or "?" in value:
        return Wildcard(value)
    if vr == "PN" and fuzzymatching:
        words = name_words(value)
        if not words:
            raise InvalidQueryError("there is no word to look for")
        return FuzzyName(words)
    return SingleValue(value)


def _exact_match(vr: str, value: str) -> SingleValue:
    if vr == "UI":
        return SingleValue(validate_uid(value))
    if vr in _PLAIN:
        if _PLAIN[vr].fullmatch(value.upper()) is None:
            raise InvalidQueryError(f"not a value of VR {vr}")
        return SingleValue(value.upper())
    if vr not in NUMBER_VRS:
        raise UnsupportedQueryError(f"VR {vr} cannot be matched; leave its value empty to have it returned")
    try:
        is_number = Decimal(value).is_finite()
    except InvalidOperation:
        is_number = False
    if not is_number:
        raise InvalidQueryError(f"not a number, as VR {vr} asks for; ranges and wild cards are for other VRs")
    return SingleValue(value)


def _any_of(vr: str, values: list[str]) -> AnyOf:
    if len(values) > MAX_LIST_VALUES:
        raise InvalidQueryError(f"a list of {len(values)} values; at most {MAX_LIST_VALUES} are matched")
    stripped = [value.strip() for value in values]
    if vr == "UI":
        return AnyOf(tuple(validate_uid(value) for value in stripped))
    for value in stripped:
        if not value or "*" in value or "?" in value or len(value) > MAX_VALUE_LENGTH:
            raise InvalidQueryError("a list holds codes only, no empty ones and no wild cards")
    return AnyOf(tuple(stripped))
