"""Tell what was done to a file: where, by which rule, and what. Never a value."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from shared.dicom.deidentification.decisions import Action, Decision

MAX_CHANGES: Final = 5000
"""Of one file that are listed; more are only counted."""


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to one element.

    Attributes:
        path: tags from the data set down, with 1-based item numbers, such as `(0040,A730)[2]/(0010,0010)`.
        rule: the table and option, or the words, that asked for it.
        action: a letter of Table E.1-1.
    """

    path: str
    rule: str
    action: Action


@dataclass(slots=True)
class Report:
    """The changes of one file, in its order, and how many there are of each action."""

    changes: list[Change] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, path: str, decision: Decision) -> None:
        """Note that *decision* was carried out at *path*."""
        self.counts[decision.action.value] += 1
        if len(self.changes) < MAX_CHANGES:
            self.changes.append(Change(path, decision.rule, decision.action))
