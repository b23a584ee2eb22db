"""Schedules: occurrences worked out by hand, and a minute-by-minute search as an oracle."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localhost.cron import parse_schedule


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 */5 * * * *", "2026-03-01T10:02:30", "2026-03-01T10:05:00"),
        ("0 */5 * * * *", "2026-03-01T10:05:00", "2026-03-01T10:10:00"),
        ("*/15 * * * * *", "2026-03-01T10:00:59.900", "2026-03-01T10:01:00"),
        ("0 30 9 * * *", "2026-12-31T09:30:00", "2027-01-01T09:30:00"),
        ("0 0 9-17/4 * * Mon-Fri", "2026-03-06T17:00:00", "2026-03-09T09:00:00"),
        ("0 0 0 29 2 *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 0 31 * *", "2026-03-31T00:00:00", "2026-05-31T00:00:00"),
        ("5,10 0 0 1 jan,July *", "2026-01-01T00:00:05", "2026-01-01T00:00:10"),
        ("5,10 0 0 1 jan,July *", "2026-01-01T00:00:10", "2026-07-01T00:00:05"),
        ("0 0 12 * * sunday", "2026-03-01T12:00:00", "2026-03-08T12:00:00"),
        ("0 10/20 * * * *", "2026-03-01T10:30:00", "2026-03-01T10:50:00"),
        ("*/10 * * * *", "2026-03-01T10:00:00", "2026-03-01T10:10:00"),
        ("01:30:00", "2026-03-01T10:00:00", "2026-03-01T11:30:00"),
        ("1.00:00:10", "2026-03-01T10:00:00", "2026-03-02T10:00:10"),
    ],
)
def test_next_occurrence(expression: str, after: str, expected: str) -> None:
    """The occurrence after a moment is the one that the calendar shows."""
    assert _at(expected) == parse_schedule(expression).next_after(_at(after))


def test_day_and_weekday_must_both_fit() -> None:
    """A day of the month and a weekday are joined by AND: the 13th that is a Friday, not every Friday."""
    assert _at("2026-02-13T00:00:00") == parse_schedule("0 0 0 13 * 5").next_after(_at("2026-01-01T00:00:00"))


@pytest.mark.parametrize(
    "expression",
    ["", "* * *", "60 * * * * *", "* * 24 * * *", "* * * 0 * *", "* * * * 13 *", "* * * * * 7", "*/0 * * * * *",
     "5-1 * * * * *", "a * * * * *", "0 0 0 30 2 *", "*-5 * * * * *", "0 0 0 * monday *", "00:00:00", "25:00:00"],
)  # fmt: skip
def test_refuses_what_is_no_schedule(expression: str) -> None:
    """What cannot be read, or is never due, is refused when it is parsed."""
    with pytest.raises(ValueError, match=r"\S"):
        parse_schedule(expression)


_FIELD = st.one_of(st.just("*"), st.integers(1, 5).map(lambda step: f"*/{step}"))


@given(
    minute=st.one_of(_FIELD, st.integers(0, 59).map(str)),
    hour=st.one_of(_FIELD, st.integers(0, 23).map(str)),
    weekday=st.one_of(st.just("*"), st.integers(0, 6).map(str)),
    start=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - hypothesis adds the zone
)
def test_agrees_with_a_search_minute_by_minute(minute: str, hour: str, weekday: str, start: datetime) -> None:
    """No minute between a moment and its next occurrence fits the schedule, and the occurrence does."""
    start = start.replace(tzinfo=UTC)
    found = parse_schedule(f"0 {minute} {hour} * * {weekday}").next_after(start)
    moment = start.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while not (
        _fits(minute, moment.minute) and _fits(hour, moment.hour) and _fits(weekday, moment.isoweekday() % 7)
    ):
        moment += timedelta(minutes=1)
    assert moment == found


def _fits(field: str, value: int) -> bool:
    if field.startswith("*"):
        return value % int(field[2:] or 1) == 0
    return value == int(field)
