"""Judge content items of structured reports, and codes. It changes none.

Source: PS3.15 2026d §E.3.4 and Table E.3.4-1; PS3.3 2024e §C.17.3
"""

import functools
from collections.abc import Mapping
from typing import Final

from shared.dicom.deidentification.decisions import Action, Decision, listed
from shared.dicom.deidentification.profile import Profile
from shared.dicom.deidentification.table import EDITION, content_item_rows
from shared.dicom.elements import DataSet

VALUE_TAGS: Final = frozenset(
    {0x0040_A120, 0x0040_A121, 0x0040_A122, 0x0040_A123, 0x0040_A124, 0x0040_A160, 0x0040_A30A}
)
"""Attributes that hold the value of a content item: date and time, date, time, name, UID, text, number."""
CODE_TAGS: Final = frozenset({0x0008_0100, 0x0008_0102, 0x0008_0103, 0x0008_0104})
CODE_MEANING: Final = 0x0008_0104
_CODING_SCHEME_VERSION: Final = 0x0008_0103
_CONCEPT_NAME: Final = 0x0040_A043
_VALUE_TYPE: Final = 0x0040_A040
_VRS: Final = {"DATE": "DA", "DATETIME": "DT", "TIME": "TM", "PNAME": "PN", "UIDREF": "UI", "TEXT": "UT"}
_TABLE: Final = f"PS3.15 {EDITION} Table E.3.4-1"


def judge_item(item: DataSet, profile: Profile) -> Decision:
    """Return what becomes of a content item; unlisted text and names are cleaned, other unlisted items are kept.

    Actions: X the item goes; D its values become dummies; C they are cleaned; K they stay.
    """
    value_type = _text(item, _VALUE_TYPE)
    code = _code(item)
    row = None if code is None else content_item_rows().get((*code, value_type))
    if row is None:
        return Decision(Action.CLEAN, f"{_TABLE}, an item that it does not list")
    decision = listed(profile, row, _VRS.get(value_type, "SQ"), _TABLE)
    # Presence is preserved for attributes only: an item may go where the table offers it.
    if decision.rule == _TABLE and "X" in row.basic.split("/"):
        return Decision(Action.REMOVE, _TABLE)
    return decision


def known_meaning(code: DataSet) -> bytes | None:
    """Return the meaning that a public dictionary gives the code in a code sequence's item; None if none knows it."""
    meaning = _meanings().get((_text(code, 0x0008_0102), _text(code, 0x0008_0100)))
    return None if meaning is None else meaning.encode("ascii", "replace")[:64]


def code_value(tag: int, value: bytes, code: DataSet) -> bytes | None:
    """Return what a code's attribute says if the code is known, or None: nothing of it is then taken on trust."""
    meaning = known_meaning(code)
    if meaning is None or tag == _CODING_SCHEME_VERSION:
        return None
    return meaning if tag == CODE_MEANING else value


@functools.cache
def _meanings() -> Mapping[tuple[str, str], str]:
    from pydicom.sr._concepts_dict import concepts

    return {
        (scheme, value): meaning
        for scheme, by_keyword in concepts.items()
        for by_value in by_keyword.values()
        for value, (meaning, _) in by_value.items()
    }


def _code(item: DataSet) -> tuple[str, str] | None:
    names = item.get(_CONCEPT_NAME)
    if names is None or not isinstance(names.value, list) or not names.value:
        return None
    return _text(names.value[0], 0x0008_0100), _text(names.value[0], 0x0008_0102)


def _text(data_set: DataSet, tag: int) -> str:
    element = data_set.get(tag)
    value = element.value if element is not None and isinstance(element.value, bytes) else b""
    return value.decode("latin-1").strip(" \0")
