"""What a search asks for, as values every search engine can read. Parsing is in query_parameters, meaning in matching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from shared.dicom.references import SeriesRef, StudyRef

type Level = Literal["study", "series", "instance"]
"""Of what the answer has one row each."""


@dataclass(frozen=True, slots=True)
class Universal:
    """Matches every record, also one without the attribute; its use is to have the attribute in the answer."""


@dataclass(frozen=True, slots=True)
class SingleValue:
    """One value: text without padding, a number as the client wrote it, or a UID."""

    text: str


@dataclass(frozen=True, slots=True)
class Wildcard:
    """Text in which "*" stands for any characters or none, "?" for exactly one."""

    pattern: str


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Two or more UIDs or code strings, of which one is enough."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """Dates or times from *first* to *last*, both included; None is an open end.

    Bounds are widened to the precision they were given in and have a fixed width, so that they sort as text: DA
    "YYYYMMDD", TM "HHMMSS.ffffff", DT "YYYYMMDDHHMMSS.ffffff". A single date or time is a range as wide as its
    precision. With *utc* (DT only) the bounds are in UTC, else in the local time of whatever they are held against.
    """

    first: str | None
    last: str | None
    utc: bool = False


@dataclass(frozen=True, slots=True)
class FuzzyName:
    """Folded words (see person_names.name_words), each of which begins some word of the person name."""

    words: tuple[str, ...]


type Match = Universal | SingleValue | Wildcard | AnyOf | Range | FuzzyName


@dataclass(frozen=True, slots=True)
class MatchKey:
    """One attribute to match.

    *path* holds tags of 8 upper-case hex digits: one, or those of the enclosing sequences before it.
    """

    path: tuple[str, ...]
    vr: str
    match: Match


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a row stands in the answer of any search of its level; search_order says how it is found.

    *day* sorts the newest study first. Series and SOP instance UID are empty on the levels above theirs.
    """

    day: str
    study_instance_uid: str
    series_instance_uid: str = ""
    sop_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """A search: all of its keys must match, within the study or series of the path if there is one.

    *limit* and *offset* count rows, those *after* a position if there is one; *includefields* are tags of top-level attributes; *ignore_case* extends to text
    what PS3.4 grants to person names only; *warnings* are texts for Warning headers with code 299.
    """

    level: Level
    limit: int
    within: StudyRef | SeriesRef | None = None
    keys: tuple[MatchKey, ...] = ()
    offset: int = 0
    includefields: tuple[str, ...] = ()
    include_all: bool = False
    fuzzymatching: bool = False
    ignore_case: bool = False
    after: Position | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """The dialect of a search endpoint. Limits count rows."""

    default_limit: int = 1000
    max_limit: int = 5000
    refuse_over_limit: bool = False
    """Answer a limit outside 1..max_limit with an error, not with fewer rows and a warning."""
    ignore_unknown: bool = False
    """Answer an unknown parameter or attribute with a warning, not with an error."""
    ignore_case: bool = False


STANDARD = QueryOptions()
AZURE = QueryOptions(default_limit=100, max_limit=200, refuse_over_limit=True, ignore_case=True)
"""As the Azure DICOM service answers: at most 200 rows, text other than UIDs without regard to case."""
