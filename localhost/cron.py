"""NCRONTAB schedules and TimeSpans: when a timer is due next, in UTC; it neither waits nor runs anything."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Protocol

from localhost.settings import parse_timespan

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_RANGE = re.compile(
    r"(?P<first>\*|[0-9]{1,2}|[a-z]{3,9})(?:-(?P<last>[0-9]{1,2}|[a-z]{3,9}))?(?:/(?P<step>[0-9]{1,2}))?"
)
# 29 February on a given weekday can be 40 years away, across a century that is no leap year.
_HORIZON_DAYS = 41 * 366


class Schedule(Protocol):
    """When a timer is due."""

    def next_after(self, moment: datetime) -> datetime:
        """Return the first occurrence after a moment."""


class Interval:
    """Due every so often, counted from the last time."""

    def __init__(self, every: timedelta) -> None:
        if every <= timedelta(0):
            raise ValueError("an interval must be longer than zero")
        self._every = every

    def next_after(self, moment: datetime) -> datetime:
        """Return the moment plus the interval."""
        return moment + self._every


class Cron:
    """Six fields: second, minute, hour, day, month, weekday (0 is Sunday); day and weekday must both fit.

    Five fields mean second 0.
    """

    def __init__(self, expression: str) -> None:
        fields = expression.split()
        if len(fields) == 5:
            fields.insert(0, "0")
        if len(fields) != 6:
            raise ValueError(
                f"{expression!r} has {len(fields)} fields; NCRONTAB has six: s m h day month weekday"
            )
        self._seconds = sorted(_field(fields[0], 0, 59))
        self._minutes = sorted(_field(fields[1], 0, 59))
        self._hours = sorted(_field(fields[2], 0, 23))
        self._days = _field(fields[3], 1, 31)
        self._months = _field(fields[4], 1, 12, _MONTHS)
        self._weekdays = _field(fields[5], 0, 6, _DAYS)
        self.next_after(datetime(2000, 1, 1))  # noqa: DTZ001 - only whether any day fits is asked

    def next_after(self, moment: datetime) -> datetime:
        """Return the first occurrence after a moment, of the moment's time zone.

        Raises:
            ValueError: No date fits, such as 30 February.
        """
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        day, earliest = start.date(), start.time()
        for _ in range(_HORIZON_DAYS):
            if day.month in self._months and day.day in self._days and day.isoweekday() % 7 in self._weekdays:
                found = self._time_from(earliest)
                if found is not None:
                    return datetime.combine(day, found, tzinfo=moment.tzinfo)
            day, earliest = day + timedelta(days=1), time.min
        raise ValueError("no date fits this schedule")

    def _time_from(self, earliest: time) -> time | None:
        for hour in self._hours:
            if hour < earliest.hour:
                continue
            floor_minute = earliest.minute if hour == earliest.hour else 0
            for minute in self._minutes:
                if minute < floor_minute:
                    continue
                same = hour == earliest.hour and minute == earliest.minute
                floor_second = earliest.second if same else 0
                second = next((value for value in self._seconds if value >= floor_second), None)
                if second is not None:
                    return time(hour, minute, second)
        return None


def parse_schedule(text: str) -> Schedule:
    """Parse an NCRONTAB expression or a TimeSpan.

    Raises:
        ValueError: It is neither, or it is never due.
    """
    return Interval(parse_timespan(text)) if ":" in text else Cron(text)


def _field(text: str, low: int, high: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    values: set[int] = set()
    for part in text.lower().split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no field of a schedule")
        first, last, step = match["first"], match["last"], int(match["step"] or 1)
        if first == "*" and last:
            raise ValueError(f"{part!r} is no field of a schedule")
        start = low if first == "*" else _value(first, low, high, names)
        until = _value(last, low, high, names) if last else high if first == "*" or match["step"] else start
        if step == 0 or start > until:
            raise ValueError(f"{part!r} goes nowhere")
        values.update(range(start, until + 1, step))
    return frozenset(values)


def _value(text: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if not text.isdigit():
        for index, name in enumerate(names):
            if name.startswith(text):
                return low + index
        raise ValueError(f"{text!r} is no name of a month or weekday in its place")
    if not low <= int(text) <= high:
        raise ValueError(f"{text} is not within {low}..{high}")
    return int(text)
