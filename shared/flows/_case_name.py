"""Read year, case and view from an object's name. It reads no object and knows no store.

Each of three patterns is searched on its own over the whole name, and its first match counts. The defaults are those
of the forerunner that this archive replaces, so that a container it could read gives the same cases here, quirks
included: the year needs a character that is no digit on both sides, so a name that begins with it has none, and the
first such group of four digits is the year, wherever it stands.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from shared.case_views import VIEWS
from shared.records import CaseView

__all__ = ["MAX_LENGTH", "SEED_PATTERNS", "VIEWS", "CasePatterns", "read_case_name"]

MAX_LENGTH: Final = 128
"""Characters of a year, an id or a view; more is none."""

_SIDE_AND_PROJECTION = re.compile(r"([LR])[^A-Za-z]*([A-Za-z]+)")


@dataclass(frozen=True)
class CasePatterns:
    """Regular expressions for the parts of a name.

    Of a match the only group counts, or all of it where the pattern has no group or several.
    """

    year: str = r"\D(\d{4})\D"
    case_id: str = r"(S\d+)"
    view: str = r"(L|R)__(CC|MLO)"

    @cached_property
    def compiled(self) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
        """The three of them, ready to search with."""
        return re.compile(self.year), re.compile(self.case_id), re.compile(self.view)


SEED_PATTERNS: Final = CasePatterns()
"""Those of the forerunner."""


def read_case_name(object_name: str, patterns: CasePatterns = SEED_PATTERNS) -> CaseView | None:
    """Return what *object_name* says, or None if it lacks a year, a case or a view.

    A view of side and projection is written as in VIEWS, whatever stands between the two in the name.

    Args:
        object_name: The name within its container, without the container.
        patterns: Where in the name to look.
    """
    year, case_id, view = (_first(pattern, object_name) for pattern in patterns.compiled)
    if not (year and case_id and view):
        return None
    return CaseView(year, case_id, _spelt(view), named=True)


def _first(pattern: re.Pattern[str], name: str) -> str | None:
    match = pattern.search(name)
    if match is None:
        return None
    text = match[1] if pattern.groups == 1 else match[0]
    return text if text is not None and len(text) <= MAX_LENGTH else None


def _spelt(view: str) -> str:
    match = _SIDE_AND_PROJECTION.fullmatch(view)
    return view if match is None else f"{match[1]}__{match[2].upper()}"
