"""What is looked for: attributes of the standard's and the forerunner's tables, and signals that no table has.

It looks into no file. rules.tsv has one row an attribute: its tag ("x" stands for any digit), the kind of identifier
it may hold, its action in the Basic Profile (empty: not in the table), and whether the forerunner's two lists had it.

Source: PS3.15 2026d Table E.1-1; the kinds follow 45 CFR 164.514(b)(2), in this project's own reading.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

EDITION: Final = "2026d.1"
"""Of the rules and their numbers; assessments of another edition do not compare."""

_TABLE: Final = "PS3.15 2026d Table E.1-1"
_FIRST_ROW: Final = 64
"""Numbers below are of signals, so that a new signal moves no row."""


class RiskLevel(IntEnum):
    """How grave a finding is, or the gravest of several."""

    NONE = 0
    LOW = 1
    """Tells who somebody is only to whoever has other data: UIDs, demographics."""
    MEDIUM = 2
    """May tell: dates, places, devices, free text, private elements, images that often have text burned in."""
    HIGH = 3
    """Tells: a patient's name, number, address or face, or the file says that its pixels do."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One thing that is looked for; each is made once, and equal to itself only.

    Attributes:
        number: its bit in an assessment.
        tag: of the attribute, eight hexadecimal digits or "x"; of a signal its name.
        category: the kind of identifier.
        level: how grave it is.
        reason: in words for the file's owner.
        sources: the tables and lists that have it.
    """

    number: int
    tag: str
    category: str
    level: RiskLevel
    reason: str
    sources: tuple[str, ...] = ("dicom-functions",)


_CATEGORIES: Final = MappingProxyType(
    {
        "account number": (RiskLevel.HIGH, "an account or order number"),
        "certificate": (RiskLevel.MEDIUM, "a certificate or signature names its signer"),
        "code": (RiskLevel.LOW, "a UID or number of its own, found again in other systems"),
        "contact": (RiskLevel.HIGH, "a telephone number or address of a person"),
        "date": (RiskLevel.MEDIUM, "a date or time of the patient's life or care"),
        "de-identification": (RiskLevel.LOW, "says how the file was de-identified"),
        "demographic": (RiskLevel.LOW, "a trait of the patient, which narrows down who it is"),
        "device": (RiskLevel.MEDIUM, "a device, which leads to the place and the day"),
        "face": (RiskLevel.HIGH, "a photograph of the patient"),
        "free text": (RiskLevel.MEDIUM, "free text may hold any identifier"),
        "health plan": (RiskLevel.HIGH, "a number of the patient's health plan"),
        "name": (RiskLevel.HIGH, "a person's name"),
        "pixels": (RiskLevel.MEDIUM, "a picture laid over the image may show text"),
        "place": (RiskLevel.MEDIUM, "a place smaller than a country"),
        "record number": (RiskLevel.HIGH, "a number of the patient's record"),
        "url": (RiskLevel.MEDIUM, "an address on the web"),
    }
)


def _signal(number: int, name: str, category: str, level: RiskLevel, reason: str) -> Rule:
    return Rule(number, name, category, level, reason)


PRIVATE: Final = _signal(
    0, "PRIVATE", "private", RiskLevel.MEDIUM, "a private element may hold any identifier"
)
UNLISTED_NAME: Final = _signal(
    1, "UNLISTED_NAME", "name", RiskLevel.HIGH, "a person's name, in an attribute that no table lists"
)
UNLISTED_DATE: Final = _signal(
    2, "UNLISTED_DATE", "date", RiskLevel.MEDIUM, "a date, in an attribute that no table lists"
)
UNLISTED_TEXT: Final = _signal(
    3, "UNLISTED_TEXT", "free text", RiskLevel.MEDIUM, "free text, in an attribute that no table lists"
)
UNKNOWN: Final = _signal(4, "UNKNOWN", "unknown", RiskLevel.MEDIUM, "no dictionary knows this attribute")
PREAMBLE: Final = _signal(5, "PREAMBLE", "unknown", RiskLevel.LOW, "the 128 bytes before the file are in use")
COPIED_IDENTIFIER: Final = _signal(
    6, "COPIED_IDENTIFIER", "name", RiskLevel.HIGH, "the patient's own name or number stands in this text"
)
BURNED_IN_STATED: Final = _signal(
    16, "BURNED_IN_STATED", "pixels", RiskLevel.HIGH, "BurnedInAnnotation says that text is in the pixels"
)
FACE_STATED: Final = _signal(
    17,
    "FACE_STATED",
    "face",
    RiskLevel.HIGH,
    "RecognizableVisualFeatures says that the patient can be recognised",
)
BURNED_IN_MODALITY: Final = _signal(
    18, "BURNED_IN_MODALITY", "pixels", RiskLevel.MEDIUM, "images of this modality often have text burned in"
)
BURNED_IN_SOP_CLASS: Final = _signal(
    19, "BURNED_IN_SOP_CLASS", "pixels", RiskLevel.MEDIUM, "a captured screen, a document or a video"
)
BURNED_IN_IMAGE_TYPE: Final = _signal(
    20, "BURNED_IN_IMAGE_TYPE", "pixels", RiskLevel.MEDIUM, "ImageType says that it is no plain acquisition"
)
BURNED_IN_DEVICE: Final = _signal(
    21,
    "BURNED_IN_DEVICE",
    "pixels",
    RiskLevel.MEDIUM,
    "it was digitised, captured or made by a device known to burn text in",
)
NO_IMAGE_TYPE: Final = _signal(
    22, "NO_IMAGE_TYPE", "pixels", RiskLevel.LOW, "without ImageType nothing says what the pixels are"
)

SIGNALS: Final = (
    PRIVATE,
    UNLISTED_NAME,
    UNLISTED_DATE,
    UNLISTED_TEXT,
    UNKNOWN,
    PREAMBLE,
    COPIED_IDENTIFIER,
    BURNED_IN_STATED,
    FACE_STATED,
    BURNED_IN_MODALITY,
    BURNED_IN_SOP_CLASS,
    BURNED_IN_IMAGE_TYPE,
    BURNED_IN_DEVICE,
    NO_IMAGE_TYPE,
)


@cache
def listed() -> tuple[Rule, ...]:
    """Return the rules of rules.tsv, in the order of their tags."""
    lines = files(__package__).joinpath("rules.tsv").read_text("ascii").splitlines()[1:]
    return tuple(_row(_FIRST_ROW + index, line) for index, line in enumerate(lines))


@cache
def _by_tag() -> tuple[dict[int, Rule], list[tuple[int, int, Rule]]]:
    exact: dict[int, Rule] = {}
    masked: list[tuple[int, int, Rule]] = []
    for rule in listed():
        if "x" in rule.tag:
            mask = int("".join("0" if digit == "x" else "F" for digit in rule.tag), 16)
            masked.append((mask, int(rule.tag.replace("x", "0"), 16), rule))
        else:
            exact[int(rule.tag, 16)] = rule
    return exact, masked


def rule_of(tag: int) -> Rule | None:
    """Return the rule that lists an attribute, if one does."""
    exact, masked = _by_tag()
    rule = exact.get(tag)
    if rule is None and tag >> 28 in (5, 6):
        return next((rule for mask, value, rule in masked if tag & mask == value), None)
    return rule


@cache
def by_number() -> dict[int, Rule]:
    """Return every rule by its number."""
    return {rule.number: rule for rule in (*SIGNALS, *listed())}


def _row(number: int, line: str) -> Rule:
    tag, category, basic, hipaa, gdpr = line.split("\t")
    level, reason = _CATEGORIES[category]
    # Of the patient rather than of staff, devices or the study: these say who it is, not only where and when.
    if tag.startswith("0010") and category in ("place", "date"):
        level = RiskLevel.HIGH
    lists = (("forerunner's HIPAA list", hipaa == "1"), ("forerunner's GDPR list", gdpr == "1"))
    sources = ((_TABLE,) if basic else ()) + tuple(name for name, has_it in lists if has_it)
    return Rule(number, tag, category, level, reason, sources)
