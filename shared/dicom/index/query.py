"""What is asked of the search index, as values that every search engine can read. Reading requests is in query_body."""

from dataclasses import dataclass

type Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Everything:
    """Every document."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No document."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """Documents of which a field has one of some values."""

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """Documents of which one value of a field lies between bounds; None is an open end."""

    field: str
    gt: Scalar | None = None
    gte: Scalar | None = None
    lt: Scalar | None = None
    lte: Scalar | None = None


@dataclass(frozen=True, slots=True)
class Beginning:
    """Documents of which one value of a field begins with a text."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """Documents of which one value of a field fits a pattern: "*" is any characters or none, "?" exactly one."""

    field: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Present:
    """Documents that have a field."""

    field: str


@dataclass(frozen=True, slots=True)
class Bool:
    """Documents that fit all of *every*, at least *least* of *some*, and none of *none*."""

    every: tuple["Clause", ...] = ()
    some: tuple["Clause", ...] = ()
    none: tuple["Clause", ...] = ()
    least: int = 0


type Clause = Everything | Nothing | OneOf | Interval | Beginning | Pattern | Present | Bool


def exactly(*pairs: str) -> Clause:
    """Return the clause of documents that have each of these entries in `info`."""
    return Bool(every=tuple(OneOf("info", (pair,)) for pair in pairs))
