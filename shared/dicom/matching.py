"""What a search means: whether one record matches. Every search engine must give the same answers.

The rules, where PS3.4 leaves a choice or clients expect more:

- Person names match in any component group, without regard to case, accents and empty components at the end.
- Other text is compared exactly, letter case included, unless the query ignores case; padding does not count.
- A value of several matches if one of them does; keys within one sequence must match within one and the same item.
- Numbers are compared as numbers: "013" is 13.
- A date or time of limited precision in a query means all it may stand for, in a record the moment it begins.
- Dates and times are matched each on its own; combined date-time matching (PS3.4 §C.2.2.2.5.1) is not offered.

Source: PS3.4 2024d §C.2.2.2
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.dicom.person_names import name_begins, name_equals, name_fits
from shared.dicom.query import AnyOf, FuzzyName, MatchKey, Query, Range, SingleValue, Universal, Wildcard
from shared.dicom.query_values import NUMBER_VRS
from shared.dicom.references import SeriesRef
from shared.dicom.temporal import in_range
from shared.dicom.wildcards import wildcard_match

_TIMEZONE = "00080201"


def matches(query: Query, attributes: Mapping[str, Any]) -> bool:
    """Tell whether a record belongs in the answer to *query*, its limit and offset aside.

    Args:
        query: The search.
        attributes: DICOM JSON of one study, series or instance. Of a series and an instance it includes what is
            known of the study, of an instance that of its series too.
    """
    if not _lies_within(query, attributes):
        return False
    keys = [key for key in query.keys if not isinstance(key.match, Universal)]
    timezone = next(iter(_values(attributes, _TIMEZONE)), None)
    return _Matcher(timezone, ignore_case=query.ignore_case).data_set(keys, 0, attributes)


class _Matcher:
    """Holds what is the same for all attributes of a record."""

    def __init__(self, timezone: Any, *, ignore_case: bool) -> None:
        self._ignore_case = ignore_case
        self._timezone = timezone

    def data_set(self, keys: Sequence[MatchKey], depth: int, attributes: Mapping[str, Any]) -> bool:
        """Tell whether a data set or item, *depth* sequences deep, fits all of *keys*."""
        nested: dict[str, list[MatchKey]] = {}
        for key in keys:
            if depth < len(key.path) - 1:
                nested.setdefault(key.path[depth], []).append(key)
            elif not any(self.value(key, value) for value in _values(attributes, key.path[depth])):
                return False
        return all(
            any(
                isinstance(item, Mapping) and self.data_set(inner, depth + 1, item)
                for item in _values(attributes, tag)
            )
            for tag, inner in nested.items()
        )

    def value(self, key: MatchKey, value: Any) -> bool:
        """Tell whether one stored value fits *key*; an item of a sequence fits none."""
        if isinstance(value, Mapping) and key.vr != "PN":
            return False
        match key.match:
            case Range() as wanted:
                fits = in_range(wanted, key.vr, value, self._timezone)
            case FuzzyName(words):
                fits = name_begins(words, value)
            case Wildcard(pattern) if key.vr == "PN":
                fits = name_fits(pattern, value)
            case Wildcard(pattern):
                fits = wildcard_match(self._fold(pattern), self._fold(value))
            case AnyOf(values):
                fits = any(self._equal(key.vr, wanted, value) for wanted in values)
            case SingleValue(text):
                fits = self._equal(key.vr, text, value)
            case Universal():
                fits = True
        return fits

    def _equal(self, vr: str, wanted: str, value: Any) -> bool:
        if vr == "PN":
            return name_equals(wanted, value)
        if vr in NUMBER_VRS:
            number = _number(value)
            return number is not None and number == _number(wanted)
        return self._fold(wanted) == self._fold(value)

    def _fold(self, value: Any) -> str:
        text = str(value).strip(" \0")
        return text.casefold() if self._ignore_case else text


def _lies_within(query: Query, attributes: Mapping[str, Any]) -> bool:
    if query.within is None:
        return True
    if query.within.study_instance_uid not in _values(attributes, "0020000D"):
        return False
    return not isinstance(query.within, SeriesRef) or query.within.series_instance_uid in _values(
        attributes, "0020000E"
    )


def _values(attributes: Mapping[str, Any], tag: str) -> Sequence[Any]:
    attribute = attributes.get(tag)
    return [value for value in attribute.get("Value", ()) if value is not None] if attribute else ()


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
