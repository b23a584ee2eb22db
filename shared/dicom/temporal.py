"""Dates and times in searches: which range a text names, and where a stored value lies. Nothing else of DA, TM, DT.

Source: PS3.4 2024d §C.2.2.2.1, §C.2.2.2.5; PS3.5 2024e §6.2
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.dicom.query import Range
from shared.errors import InvalidQueryError

_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_TIME = re.compile(r"(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6}))?)?)?", re.ASCII)
_DATETIME = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6}))?)?)?)?)?)?([+-]\d{4})?", re.ASCII
)
_OFFSET = re.compile(r"[+-]\d{4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Span:
    """The first and last microsecond that a text of limited precision may mean, as its clock shows them.

    They are labelled UTC only because datetime wants a label; *offset* is what the text says of its clock.
    """

    first: datetime
    last: datetime
    offset: timedelta | None


def parse_range(vr: str, text: str) -> Range:
    """Return the range that *text* names: a value, "a-b", "a-" or "-b".

    Args:
        vr: DA, TM or DT.
        text: The value of the search parameter, without padding.

    Raises:
        InvalidQueryError: It is not a date or time of this VR, or the range ends before it begins.
    """
    single = _span(vr, text)
    if single is not None:
        return _range(vr, single, single)
    for hyphen in re.finditer("-", text):
        before, after = text[: hyphen.start()], text[hyphen.end() :]
        first, last = _span(vr, before), _span(vr, after)
        complete = (first or not before) and (last or not after)
        if complete and (first or last):
            return _range(vr, first, last)
    raise InvalidQueryError(f"not a {vr} value or range of {vr} values: write {_EXAMPLES[vr]}")


def in_range(wanted: Range, vr: str, value: object, default_offset: object = None) -> bool:
    """Tell whether a stored value lies in a range; a value of limited precision lies where it begins.

    Args:
        wanted: The range, in the form of parse_range.
        vr: DA, TM or DT.
        value: The stored text. Dots in dates and colons in times, as ACR-NEMA had them, are read over.
        default_offset: TimezoneOffsetFromUTC of the data set, for a DT without its own; UTC if there is none.
    """
    span = _stored_span(vr, value)
    if span is None:
        return False
    moment = span.first
    if wanted.utc:
        offset = span.offset if span.offset is not None else _offset(str(default_offset or "").strip())
        try:
            moment -= offset or timedelta()
        except OverflowError:
            return False
    position = _sortable(vr, moment)
    return (wanted.first is None or wanted.first <= position) and (
        wanted.last is None or position <= wanted.last
    )


_EXAMPLES = {
    "DA": "20240131, 20240101-20240131, 20240101- or -20240131",
    "TM": "1030, 1030-113000, 1030- or -113000",
    "DT": "20240131, 202401311030-2024013111, 20240131- or -20240131",
}


def is_moment(vr: str, value: object) -> bool:
    """Tell whether a stored value of VR DA, TM or DT is a date or time; those of ACR-NEMA are."""
    return _stored_span(vr, value) is not None


def _stored_span(vr: str, value: object) -> _Span | None:
    text = str(value).strip()
    if vr != "DT":
        text = text.replace("." if vr == "DA" else ":", "")
    return _span(vr, text)


def _range(vr: str, first: _Span | None, last: _Span | None) -> Range:
    utc = any(span is not None and span.offset is not None for span in (first, last))
    try:
        begin = None if first is None else _sortable(vr, first.first - (first.offset or timedelta()))
        end = None if last is None else _sortable(vr, last.last - (last.offset or timedelta()))
    except OverflowError:
        raise InvalidQueryError(f"a {vr} value lies outside the years 1 to 9999") from None
    if begin is not None and end is not None and begin > end:
        raise InvalidQueryError(f"a range of {vr} values ends before it begins: write the earlier one first")
    return Range(begin, end, utc)


def _sortable(vr: str, moment: datetime) -> str:
    date = f"{moment.year:04d}{moment:%m%d}"
    time = f"{moment:%H%M%S.%f}"
    return {"DA": date, "TM": time, "DT": date + time}[vr]


def _span(vr: str, text: str) -> _Span | None:
    """Return what *text* may mean, or None if it is no single value; a TM lies on an arbitrary day."""
    if vr == "DA":
        date = _DATE.fullmatch(text)
        return None if date is None else _bounds([*date.groups(), None, None, None, None], None)
    if vr == "TM":
        time = _TIME.fullmatch(text)
        return None if time is None else _bounds(["2000", "01", "01", *time.groups()], None)
    both = _DATETIME.fullmatch(text)
    if both is None:
        return None
    *parts, suffix = both.groups()
    if suffix is not None and _offset(suffix) is None:
        return None
    return _bounds(parts, _offset(suffix or ""))


def _bounds(parts: list[str | None], offset: timedelta | None) -> _Span | None:
    """Return the span of [year, month, day, hour, minute, second, fraction], of which the last ones may be None."""
    year, month, day, hour, minute, second = (None if part is None else int(part) for part in parts[:6])
    fraction = parts[6] or ""
    if second == 60:  # a leap second, which datetime lacks, counts as the end of its minute
        second, fraction = 59, "999999"
    try:
        last_day = monthrange(_or(year, 0), _or(month, 12))[1]
        first = (_or(year, 0), _or(month, 1), _or(day, 1), _or(hour, 0), _or(minute, 0), _or(second, 0))
        last = (
            _or(year, 0),
            _or(month, 12),
            _or(day, last_day),
            _or(hour, 23),
            _or(minute, 59),
            _or(second, 59),
        )
        return _Span(
            datetime(*first, int(fraction.ljust(6, "0")), tzinfo=UTC),
            datetime(*last, int(fraction.ljust(6, "9")), tzinfo=UTC),
            offset,
        )
    except ValueError:
        return None


def _or(part: int | None, otherwise: int) -> int:
    return otherwise if part is None else part


def _offset(text: str) -> timedelta | None:
    """Return an offset from UTC of the form ±HHMM, or None if it is none within -1200 and +1400."""
    if _OFFSET.fullmatch(text) is None or int(text[3:]) > 59 or not -1200 <= int(text) <= 1400:
        return None
    sign = -1 if text[0] == "-" else 1
    return sign * timedelta(hours=int(text[1:3]), minutes=int(text[3:]))
