"""Decide what becomes of an attribute, by the table and the profile. It changes no values.

Compound actions depend on the attribute's Type in its IOD. The one that keeps the attribute present is taken, for it
is right for every Type: "X/Z" becomes Z, "X/Z/D" becomes D.
Source: PS3.15 2026d §E.1.1 and Table E.1-1
"""

import functools
from enum import StrEnum
from typing import Final, NamedTuple

from shared.dicom.deidentification.dummies import TEXT_VRS
from shared.dicom.deidentification.profile import Dates, Option, Profile
from shared.dicom.deidentification.table import EDITION, Row, attribute_row

TEMPORAL_VRS: Final = frozenset({"DA", "DT", "TM"})
_MODIFIED: Final = Option.RETAIN_MODIFIED_DATES.value
_TABLE: Final = f"PS3.15 {EDITION} Table E.1-1"
_NO_INSTANCE: Final = (
    "SOP Class",
    "Classes",
    "Transfer Syntax",
    "Coding Scheme",
    "Context",
    "Mapping Resource",
    "Template",
)
"""What the names of UIDs have in common that do not identify anything of a patient's."""


_SAYINGS: Final = {
    "AS": "age",
    "DA": "date",
    "DT": "date",
    "PN": "person name",
    "TM": "time",
    "UI": "UID",
    "UR": "URL",
}


class Action(StrEnum):
    """What is done with an attribute, by the letters of Table E.1-1."""

    KEEP = "K"
    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    MAP_UID = "U"
    CLEAN = "C"


class Decision(NamedTuple):
    """An action, and the rule that it comes from."""

    action: Action
    rule: str


KEPT: Final = Decision(Action.KEEP, "")
_LISTED_BEFORE: Final = {
    0x0008_010D: Action.MAP_UID,  # ContextGroupExtensionCreatorUID
    0x0008_9123: Action.MAP_UID,  # CreatorVersionUID
    0x0012_0062: Action.REMOVE,  # PatientIdentityRemoved, and the next two: written anew at the top
    0x0012_0063: Action.REMOVE,  # DeidentificationMethod
    0x0012_0064: Action.REMOVE,  # DeidentificationMethodCodeSequence
    0x0018_3100: Action.EMPTY,  # IVUSAcquisition
    0x0020_3404: Action.REMOVE,  # ModifyingDeviceManufacturer
}
"""What Table E.1-1 does not list, and the forerunner's filters removed."""


@functools.lru_cache(maxsize=32768)
def decide(profile: Profile, tag: int, vr: str) -> Decision:
    """Return what becomes of a standard attribute with VR *vr*.

    Attributes that the table does not list are kept, but for person names, dates, URLs, UIDs of instances and values of
    unknown VR: the standard demands nothing of them, and they can say who the patient is.
    """
    row = attribute_row(tag)
    if tag >> 16 < 0x0008:
        return Decision(Action.REMOVE, "no element of a data set")
    if vr != "SQ" and _dictionary_entry(tag)[0] == "SQ":
        return Decision(Action.REMOVE, "a sequence that is not written as one")
    if row is None:
        return _unlisted(profile, tag, vr)
    return listed(profile, row, vr, _TABLE)


def listed(profile: Profile, row: Row, vr: str, table: str) -> Decision:
    """Return what becomes of what *row* of *table* lists."""
    if profile.year_only and _MODIFIED in row.options and vr in ("DA", "DT"):
        return Decision(Action.CLEAN, f"{table}, year only")
    chosen = {option: row.options[option] for option in sorted(profile.options) if option in row.options}
    for option, action in sorted(chosen.items(), key=lambda one: one[1]):  # C, which protects more, before K
        return Decision(Action(action), f"{table}, option {option}")
    return Decision(_basic(row.basic), table)


def without_options(tag: int, decision: Decision) -> Decision:
    """Return what the Basic Profile does with an attribute that an option would have kept if it were clean."""
    row = attribute_row(tag)
    action = Action.REMOVE if row is None else _basic(row.basic)
    return Decision(action, f"{decision.rule}, not clean" if decision.rule else "goes with an overlay")


def _basic(codes: str) -> Action:
    letters = codes.split("/")
    for letter, action in (
        ("U", Action.MAP_UID),
        ("U*", Action.MAP_UID),
        ("D", Action.DUMMY),
        ("Z", Action.EMPTY),
    ):
        if letter in letters:
            return action
    return Action.REMOVE


def _unlisted(profile: Profile, tag: int, vr: str) -> Decision:
    """Return what becomes of an attribute that no table lists."""
    if tag in _LISTED_BEFORE:
        return Decision(_LISTED_BEFORE[tag], "attribute of the forerunner's lists")
    if vr == "UN" or not any(_dictionary_entry(tag)):
        return Decision(Action.REMOVE, "attribute that no dictionary knows")
    if is_overlay(tag):
        return _of_overlay(profile, vr)
    action = _by_vr(profile, tag, vr)
    return KEPT if action is Action.KEEP else Decision(action, f"{_SAYINGS.get(vr, vr)} that no table lists")


def _by_vr(profile: Profile, tag: int, vr: str) -> Action:
    if vr in TEMPORAL_VRS and profile.dates is not Dates.KEPT:
        cleaned = profile.dates is Dates.CHANGED and not (profile.year_only and vr == "TM")
        return Action.CLEAN if cleaned else Action.DUMMY
    if vr == "UI" and Option.RETAIN_UIDS not in profile.options and not _named(tag, _NO_INSTANCE):
        return Action.MAP_UID
    if vr == "PN" or (vr == "UR" and not _named(tag, ("Coding Scheme", "URN Code"))):
        return Action.DUMMY
    return Action.CLEAN if vr == "AS" else Action.KEEP


def _of_overlay(profile: Profile, vr: str) -> Decision:
    if Option.CLEAN_GRAPHICS not in profile.options:
        return Decision(Action.REMOVE, "describes an overlay that is removed")
    return Decision(Action.CLEAN, "text of an overlay") if vr in TEXT_VRS else KEPT


def is_overlay(tag: int) -> bool:
    """Tell whether a tag belongs to an overlay plane."""
    return 0x6000 <= tag >> 16 <= 0x60FF


def _named(tag: int, parts: tuple[str, ...]) -> bool:
    return any(part in _dictionary_entry(tag)[1] for part in parts)


def _dictionary_entry(tag: int) -> tuple[str, str]:
    """Return an attribute's VR and name; nothing if it is not in the data dictionary."""
    from pydicom.datadict import get_entry

    try:
        vr, _, name, *_ = get_entry(tag)
    except KeyError:
        return "", ""
    return str(vr), str(name)
