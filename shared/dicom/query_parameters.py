"""Reads the parameters of a search into a Query. It neither decodes URLs nor says what matches.

Source: PS3.18 2024e §8.3.4, §10.6.1
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.dicom.query import Level, MatchKey, Query, QueryOptions, Universal
from shared.dicom.query_attributes import attribute_path, check_level, shown
from shared.dicom.query_values import parse_match
from shared.errors import InvalidQueryError, InvalidRequestError, UnsupportedQueryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.dicom.attributes import Attribute
    from shared.dicom.references import SeriesRef, StudyRef

MAX_PARAMETERS = 256

_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
# Of every resource rather than of searches (PS3.18 2024e §8.3.3); whoever writes the answer reads them.
# A cursor is opened when the rest of the search is known; the key of a caller is the host's business.
_FOR_THE_ANSWER = frozenset({"accept", "charset", "cursor", "code"})
_ONCE = frozenset({"limit", "offset", "fuzzymatching", "emptyvaluematching", "multiplevaluematching"})


@dataclass(slots=True)
class _Parameters:
    """The parameters sorted by what they are."""

    once: dict[str, str] = field(default_factory=dict)
    includefields: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Names:
    """Reads attribute names; a dialect that ignores unknown ones gets None and a warning for each."""

    ignore_unknown: bool
    warnings: list[str] = field(default_factory=list)

    def path(self, name: str) -> tuple[Attribute, ...] | None:
        try:
            return attribute_path(name)
        except InvalidQueryError as error:
            if not self.ignore_unknown:
                raise
            self.warnings.append(f"Ignored: {error}")
            return None


def parse_query(
    level: Level,
    parameters: Sequence[tuple[str, str]],
    *,
    within: StudyRef | SeriesRef | None = None,
    options: QueryOptions,
) -> Query:
    """Return the search that a request's parameters ask for.

    Args:
        level: What the rows of the answer are.
        parameters: Names and values in the order sent, decoded.
        within: The study or series that the request's path names.
        options: The dialect of the endpoint.

    Raises:
        InvalidQueryError: A parameter has no meaning; the message names it, but not its value.
        InvalidUidError: A key of VR UI holds what is no UID.
        UnsupportedQueryError: A parameter has a meaning that is not offered.

    Source: PS3.18 2024e §8.3.4, §10.6.1
    """
    sorted_parameters = _sort(parameters)
    once = sorted_parameters.once
    for extension in ("emptyvaluematching", "multiplevaluematching"):
        if _boolean(once, extension):
            raise UnsupportedQueryError(f"{extension} is not offered: leave it out")
    names = _Names(options.ignore_unknown)
    fuzzymatching = _boolean(once, "fuzzymatching")
    keys = _keys(level, sorted_parameters.attributes, names, fuzzymatching=fuzzymatching)
    include_all, includefields = _includefields(sorted_parameters.includefields, names)
    limit = _limit(once.get("limit"), options, names.warnings)
    return Query(
        level=level,
        limit=limit,
        within=within,
        keys=keys,
        offset=_count("offset", once.get("offset", "0")),
        includefields=includefields,
        include_all=include_all,
        fuzzymatching=fuzzymatching,
        ignore_case=options.ignore_case,
        warnings=tuple(names.warnings),
    )


def _sort(parameters: Sequence[tuple[str, str]]) -> _Parameters:
    if len(parameters) > MAX_PARAMETERS:
        raise InvalidQueryError(f"{len(parameters)} parameters; at most {MAX_PARAMETERS} are read")
    result = _Parameters()
    for name, value in parameters:
        if name in _ONCE:
            if name in result.once:
                raise InvalidQueryError(f"{name} is given twice")
            result.once[name] = value
        elif name == "includefield":
            result.includefields.append(value)
        elif name not in _FOR_THE_ANSWER:
            result.attributes.append((name, value))
    return result


def _keys(
    level: Level, attributes: list[tuple[str, str]], names: _Names, *, fuzzymatching: bool
) -> tuple[MatchKey, ...]:
    keys: dict[tuple[str, ...], MatchKey] = {}
    for name, value in attributes:
        path = names.path(name)
        if path is None:
            continue
        tags = tuple(attribute.tag for attribute in path)
        if tags in keys:
            message = f"{shown(name)} is matched twice: once by keyword or tag is enough"
            if not names.ignore_unknown:
                raise InvalidQueryError(message)
            names.warnings.append(f"Ignored: {message}")
            continue
        vr = path[-1].vr
        try:
            match = parse_match(vr, value, fuzzymatching=fuzzymatching)
        except InvalidRequestError as error:
            raise type(error)(f"{shown(name)}: {error}") from None
        if not isinstance(match, Universal):
            check_level(level, path)
        keys[tags] = MatchKey(tags, vr, match)
    return tuple(keys.values())


def _includefields(values: list[str], names: _Names) -> tuple[bool, tuple[str, ...]]:
    include_all = False
    tags: dict[str, None] = {}
    for name in (name.strip() for value in values for name in value.split(",")):
        if name == "all":
            include_all = True
        elif name and (path := names.path(name)):
            # Attributes within a sequence come with the whole of it.
            tags[path[0].tag] = None
    return include_all, tuple(tags)


def _limit(text: str | None, options: QueryOptions, warnings: list[str]) -> int:
    if text is None:
        return options.default_limit
    limit = _count("limit", text)
    if options.refuse_over_limit and not 1 <= limit <= options.max_limit:
        raise InvalidQueryError(f"limit must lie between 1 and {options.max_limit}")
    if limit > options.max_limit:
        warnings.append(f"limit is over the most that is answered at once: {options.max_limit} is used")
        return options.max_limit
    return limit


def _count(name: str, text: str) -> int:
    if _COUNT.fullmatch(text) is None:
        raise InvalidQueryError(f"{name} must be a whole number from 0 to 999999999")
    return int(text)


def _boolean(once: dict[str, str], name: str) -> bool:
    value = _BOOLEANS.get(once.get(name, "false").lower())
    if value is None:
        raise InvalidQueryError(f"{name} must be true or false")
    return value
