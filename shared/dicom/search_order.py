"""The order of search answers: the newest StudyDate first, studies without one last, then by UIDs as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.dicom.query import Level, Position

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_DAY: Final = "none"
"""Sorts after every inverted day."""
_INVERTED: Final = str.maketrans("0123456789", "9876543210")
_STUDY_DATE: Final = "00080020"
_UIDS: Final[Mapping[Level, tuple[str, ...]]] = {
    "study": ("0020000D",),
    "series": ("0020000D", "0020000E"),
    "instance": ("0020000D", "0020000E", "00080018"),
}


def inverted_day(study_date: str) -> str:
    """Return YYYYMMDD with its digits inverted, so that newer sorts first; NO_DAY for anything else."""
    if len(study_date) == 8 and study_date.isascii() and study_date.isdigit():
        return study_date.translate(_INVERTED)
    return NO_DAY


def position_of(level: Level, row: Mapping[str, Any]) -> Position:
    """Return where a row of a level stands; it holds what is known of the levels above too."""
    return Position(inverted_day(_first(row, _STUDY_DATE)), *(_first(row, tag) for tag in _UIDS[level]))


def _first(row: Mapping[str, Any], tag: str) -> str:
    return str(next(iter(row.get(tag, {}).get("Value", ())), "") or "")
