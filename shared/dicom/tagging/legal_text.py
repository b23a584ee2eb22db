"""Tell whether a text may be the value of an attribute. It encodes nothing.

Source: PS3.5 2024e §6.2, Table 6.2-1; §6.1.3 for control characters
"""

import unicodedata
from collections.abc import Mapping
from typing import Final

TEXT_LIMITS: Final[Mapping[str, int]] = {
    "LO": 64,
    "LT": 10240,
    "PN": 64,
    "SH": 16,
    "ST": 1024,
    "UC": 1024 * 1024,
    "UT": 1024 * 1024,
}
"""Most characters of a value, by VR: of PN, in each component group; of UC and UT, what is taken here."""
_SINGLE: Final = frozenset({"LO", "PN", "SH", "UC"})
"""VRs in which a backslash separates values."""
_LINES: Final = "\t\n\f\r"
_PN_GROUPS: Final = 3
_PN_COMPONENTS: Final = 5


def why_illegal(vr: str, text: str) -> str:
    """Return why *text* cannot be the one value of an attribute of *vr*; nothing if it can. It repeats no text."""
    if not text:
        return "it is empty"
    if "\\" in text and vr in _SINGLE:
        return "it has a backslash, which separates values"
    allowed = "" if vr in _SINGLE else _LINES
    if any(
        unicodedata.category(character) in ("Cc", "Cs") and character not in allowed for character in text
    ):
        return "it has a control character"
    limit = TEXT_LIMITS[vr]
    groups = text.split("=") if vr == "PN" else [text]
    longest = max(map(len, groups))
    if longest > limit:
        return f"it has {longest} characters, {limit} are allowed"
    if vr == "PN" and (
        len(groups) > _PN_GROUPS or any(group.count("^") >= _PN_COMPONENTS for group in groups)
    ):
        return f"a name has {_PN_GROUPS} groups of {_PN_COMPONENTS} components at most"
    return ""
