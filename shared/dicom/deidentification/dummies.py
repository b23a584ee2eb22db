"""Values that stand where one must stand and say nothing. It knows VRs only.

Source: PS3.5 2024e §6.2; PS3.15 2026d §E.1.1 (action D)
"""

from collections.abc import Callable
from typing import Final

DUMMY_TEXT: Final = b"DEIDENTIFIED"
TEXT_VRS: Final = frozenset({"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
"""VRs of free text, or what may hold it."""
_COUNTED: Final = frozenset({"DA", "DS", "DT", "IS", "TM"})
_DUMMIES: Final = {
    "AS": b"000D",
    "AT": bytes(4),
    "CS": DUMMY_TEXT,
    "DA": b"19000101",
    "DS": b"0",
    "DT": b"19000101000000",
    "FD": bytes(8),
    "FL": bytes(4),
    "IS": b"0",
    "OD": bytes(8),
    "OF": bytes(4),
    "OL": bytes(4),
    "OV": bytes(8),
    "SL": bytes(4),
    "SV": bytes(8),
    "TM": b"000000",
    "UL": bytes(4),
    "UR": b"urn:deidentified",
    "UV": bytes(8),
    **dict.fromkeys(TEXT_VRS - {"UR"}, DUMMY_TEXT),
}


def dummy_value(vr: str, multiplicity: int = 1) -> bytes:
    """Return a value of VR *vr* with a length; two zero bytes for VRs of bytes and words.

    Args:
        vr: Of the value.
        multiplicity: How many values it has; only numbers, dates and times in text have several.
    """
    dummy = _DUMMIES.get(vr, bytes(2))
    return b"\\".join([dummy] * multiplicity) if vr in _COUNTED else dummy


def consists_of(text: str, vocabulary: frozenset[str]) -> bool:
    """Tell whether every word of *text* is one of *vocabulary*; numbers of up to three digits are let pass.

    Args:
        text: As decoded.
        vocabulary: Words in lower case; none lets no text pass.
    """
    words = _words(text)
    return bool(vocabulary and words) and all(
        word in vocabulary or (word.isascii() and word.isdecimal() and len(word) <= 3) for word in words
    )


def _words(text: str) -> list[str]:
    is_part: Callable[[str], bool] = str.isalnum
    return "".join(letter if is_part(letter) else " " for letter in text.lower()).split()
