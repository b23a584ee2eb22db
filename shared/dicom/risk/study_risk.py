"""What the instances of a series or a study tell together. It looks into no instance."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from shared.dicom.risk.assessment import RiskAssessment, roll_up
from shared.dicom.risk.rules import EDITION, RiskLevel


@dataclass(frozen=True, slots=True)
class StudyRisk:
    """The gravest level, every rule by which anything was found, and how many instances are of each level.

    Attributes:
        assessment: of all together.
        instances: number of instances by level.
        unassessed: number of instances that were indexed by another edition of the rules; indexing anew assesses them.
    """

    assessment: RiskAssessment = field(default_factory=RiskAssessment)
    instances: Counter[RiskLevel] = field(default_factory=Counter)
    unassessed: int = 0

    @classmethod
    def of(cls, assessments: Iterable[RiskAssessment | None]) -> Self:
        """Return what instances tell together; None stands for one that is not assessed."""
        known = list(assessments)
        assessed = [assessment for assessment in known if assessment is not None]
        levels = Counter(assessment.level for assessment in assessed)
        return cls(roll_up(assessed), levels, len(known) - len(assessed))

    @classmethod
    def merge(cls, parts: Iterable["StudyRisk"]) -> Self:
        """Return what several series tell together."""
        risks = list(parts)
        levels: Counter[RiskLevel] = Counter()
        for risk in risks:
            levels.update(risk.instances)
        return cls(roll_up(risk.assessment for risk in risks), levels, sum(risk.unassessed for risk in risks))

    @property
    def total(self) -> int:
        """How many instances there are."""
        return self.instances.total() + self.unassessed

    def pack(self) -> str:
        """Return it as text; `unpack` reads it back."""
        counts = ",".join(str(self.instances[level]) for level in RiskLevel)
        return f"{self.assessment.pack()}:{counts}:{self.unassessed}"

    @classmethod
    def unpack(cls, text: str) -> Self:
        """Read what `pack` wrote; of another edition of the rules only the number of instances is kept."""
        edition, level, found, counts, unassessed = text.split(":")
        numbers = [int(count) for count in counts.split(",")]
        if edition != EDITION:
            return cls(unassessed=int(unassessed) + sum(numbers))
        levels = Counter({level: number for level, number in zip(RiskLevel, numbers, strict=True) if number})
        return cls(RiskAssessment(RiskLevel(int(level)), int(found, 16)), levels, int(unassessed))
