"""Weigh what was found in a file, and keep it in a few bytes. It looks into no file itself."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Self

from shared.dicom.header import Header
from shared.dicom.risk.findings import rules_found
from shared.dicom.risk.pixel_signals import denies_burned_in
from shared.dicom.risk.rules import (
    BURNED_IN_DEVICE,
    BURNED_IN_IMAGE_TYPE,
    BURNED_IN_MODALITY,
    COPIED_IDENTIFIER,
    EDITION,
    NO_IMAGE_TYPE,
    RiskLevel,
    Rule,
    by_number,
)

_PATIENT_IDENTITY_REMOVED: Final = 0x0012_0062
_GUESSES: Final = frozenset({BURNED_IN_MODALITY, BURNED_IN_IMAGE_TYPE, BURNED_IN_DEVICE, NO_IMAGE_TYPE})
_CERTAIN_CATEGORIES: Final = frozenset({"pixels", "face"})


@dataclass(frozen=True, slots=True)
class RiskAssessment:
    """The gravest level of what was found, and a bit for each rule that something was found by."""

    level: RiskLevel = RiskLevel.NONE
    found: int = 0

    def rules(self) -> Iterator[Rule]:
        """Yield the rules by which something was found, by number."""
        known = by_number()
        yield from (known[number] for number in range(self.found.bit_length()) if self.found >> number & 1)

    def pack(self) -> str:
        """Return it as text; `unpack` reads it back."""
        return f"{EDITION}:{self.level:d}:{self.found:x}"

    @classmethod
    def unpack(cls, text: str) -> Self | None:
        """Read what `pack` wrote; None if that was by another edition of the rules."""
        edition, level, found = text.split(":")
        return cls(RiskLevel(int(level)), int(found, 16)) if edition == EDITION else None


@dataclass(frozen=True, slots=True)
class Weights:
    """What a file says of itself that makes findings in it weigh less.

    Where PatientIdentityRemoved is YES, what stands in place of identifiers may be dummies: one level less, but for
    the pixels and for texts that repeat the patient's name. Where BurnedInAnnotation is NO, guesses that text is
    burned in weigh one level less.
    """

    identity_removed: bool
    nothing_burned_in: bool

    @classmethod
    def of(cls, header: Header) -> Self:
        """Return the weights that hold for a file."""
        return cls(header.text(_PATIENT_IDENTITY_REMOVED) == "YES", denies_burned_in(header))

    def level_of(self, rule: Rule) -> RiskLevel:
        """Return how grave a finding by *rule* is in this file; never none."""
        lessened = (
            self.identity_removed
            and rule is not COPIED_IDENTIFIER
            and rule.category not in _CERTAIN_CATEGORIES
        ) or (self.nothing_burned_in and rule in _GUESSES)
        return max(RiskLevel(rule.level - 1), RiskLevel.LOW) if lessened else rule.level


def assess(header: Header) -> RiskAssessment:
    """Return what a file tells of its patient: present and not empty, at any depth, file meta and pixels included."""
    return weigh(rules_found(header), Weights.of(header))


def weigh(found: Collection[Rule], weights: Weights) -> RiskAssessment:
    """Return the assessment of a file in which something was found by these rules."""
    mask = 0
    for rule in found:
        mask |= 1 << rule.number
    return RiskAssessment(max(map(weights.level_of, found), default=RiskLevel.NONE), mask)


def roll_up(assessments: Iterable[RiskAssessment]) -> RiskAssessment:
    """Return what several files tell together: the gravest level, and every rule by which anything was found."""
    level, found = RiskLevel.NONE, 0
    for assessment in assessments:
        level = max(level, assessment.level)
        found |= assessment.found
    return RiskAssessment(level, found)
