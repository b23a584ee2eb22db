"""How person names are compared: without regard to case, accents and empty components. It does not parse files.

Source: PS3.4 2024d §C.2.2.2.1, which leaves the rules for person names to the archive; PS3.5 2024e §6.2
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from shared.dicom.wildcards import wildcard_match

_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_WORD_SEPARATORS = re.compile(r"[\s^=,\-]+")
# Only the accents of European scripts: without its voicing mark a kana would be another letter.
_ACCENTS = re.compile("[\u0300-\u036f]")


def fold_name(text: str) -> str:
    """Return one component group in the form in which groups are compared.

    Lower case, accents off, wide and narrow forms alike, no padding of components, no empty components at the end.
    """
    if not text.isascii():
        text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
        text = unicodedata.normalize("NFC", text)
    folded = text.casefold()
    return "^".join(component.strip() for component in folded.split("^")).rstrip("^")


def name_words(text: str) -> tuple[str, ...]:
    """Return the folded words of a name, of all its components and groups."""
    return tuple(word for word in _WORD_SEPARATORS.split(fold_name(text)) if word)


def name_groups(value: Any) -> tuple[str, str, str]:
    """Return the folded alphabetic, ideographic and phonetic groups of a DICOM JSON value; "" where there is none."""
    if not isinstance(value, Mapping):
        return ("", "", "")
    alphabetic, ideographic, phonetic = (fold_name(str(value.get(group) or "")) for group in _GROUPS)
    return (alphabetic, ideographic, phonetic)


def name_equals(text: str, value: Any) -> bool:
    """Tell whether a DICOM JSON name is *text*: in any group, or group by group where *text* has several."""
    wanted = [fold_name(group) for group in text.split("=")]
    return _groups_match(wanted, value, lambda group, name: group == name)


def name_fits(pattern: str, value: Any) -> bool:
    """Tell whether a DICOM JSON name fits a wild card pattern, group by group as in name_equals."""
    wanted = [fold_name(group) for group in pattern.split("=")]
    return _groups_match(wanted, value, _group_fits)


def name_begins(words: tuple[str, ...], value: Any) -> bool:
    """Tell whether each of *words* begins some word of a DICOM JSON name."""
    present = [word for group in name_groups(value) for word in _WORD_SEPARATORS.split(group)]
    return all(any(candidate.startswith(word) for candidate in present) for word in words)


def _groups_match(wanted: list[str], value: Any, fits: Callable[[str, str], bool]) -> bool:
    groups = name_groups(value)
    if len(wanted) == 1:
        return any(name != "" and fits(wanted[0], name) for name in groups)
    if len(wanted) > len(groups):
        return False
    return all(group == "" or fits(group, name) for group, name in zip(wanted, groups, strict=False))


def _group_fits(pattern: str, name: str) -> bool:
    # "SMITH^*" is to find "SMITH", whose empty components were dropped.
    missing = pattern.count("^") - name.count("^")
    return wildcard_match(pattern, name + "^" * max(0, missing))
