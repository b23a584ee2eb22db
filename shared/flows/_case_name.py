"""Read year, case and view from an object's name. It reads no object and knows no store.

The three patterns are those of the forerunner that this archive replaces, so that a container it could read gives the
same cases here, quirks included: each pattern is searched on its own over the whole name and its first match counts.
"""

import re
from dataclasses import dataclass

_YEAR = re.compile(r"\D(\d{4})\D", re.ASCII)
_CASE = re.compile(r"S\d+", re.ASCII)
_VIEW = re.compile(r"(?:L|R)__(?:CC|MLO)")

VIEWS = ("L__CC", "L__MLO", "R__CC", "R__MLO")
"""The views of a complete case: laterality and projection."""


@dataclass(frozen=True, slots=True)
class CaseName:
    """Which case an object's name says it belongs to, and which view it shows."""

    year: str
    case_id: str
    view: str


def read_case_name(object_name: str) -> CaseName | None:
    """Return what *object_name* says, or None if it lacks a year, a case or a view.

    The year needs a character that is no digit on both sides, so a name that begins with it has none, and the first
    such group of four digits is the year, wherever it stands.

    Args:
        object_name: The name within its container, without the container.
    """
    year, case, view = (pattern.search(object_name) for pattern in (_YEAR, _CASE, _VIEW))
    if year is None or case is None or view is None:
        return None
    return CaseName(year=year[1], case_id=case[0], view=view[0])
