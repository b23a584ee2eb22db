"""Dates and times: which range a text names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dicom.query import Range
from shared.dicom.temporal import in_range, parse_range
from shared.errors import InvalidQueryError


@pytest.mark.parametrize(
    ("vr", "text", "expected"),
    [
        ("DA", "20240229", Range("20240229", "20240229")),
        ("DA", "20240101-20240131", Range("20240101", "20240131")),
        ("DA", "20240101-", Range("20240101", None)),
        ("DA", "-20240131", Range(None, "20240131")),
        ("TM", "10", Range("100000.000000", "105959.999999")),
        ("TM", "1030-1145", Range("103000.000000", "114559.999999")),
        ("TM", "103015.5-", Range("103015.500000", None)),
        ("TM", "235960", Range("235959.999999", "235959.999999")),
        ("TM", "2359-235960", Range("235900.000000", "235959.999999")),
        ("DT", "2024", Range("20240101000000.000000", "20241231235959.999999")),
        ("DT", "202402", Range("20240201000000.000000", "20240229235959.999999")),
        ("DT", "2024-2025", Range("20240101000000.000000", "20251231235959.999999")),
        ("DT", "202401311030+0100", Range("20240131093000.000000", "20240131093059.999999", utc=True)),
        ("DT", "2024013110-0500", Range("20240131150000.000000", "20240131155959.999999", utc=True)),
        (
            "DT",
            "20240131-0500-20240201-0500",
            Range("20240131050000.000000", "20240202045959.999999", utc=True),
        ),
        ("DT", "-2024", Range(None, "20241231235959.999999")),
        ("DT", "2024-", Range("20240101000000.000000", None)),
    ],
)
def test_parse_range_widens_to_the_precision_given(vr: str, text: str, expected: Range) -> None:
    """A bound reaches from the first to the last microsecond that its text may mean; offsets make it UTC."""
    assert expected == parse_range(vr, text)


@pytest.mark.parametrize(
    ("vr", "text"),
    [
        ("DA", "-"),
        ("DA", "2024-01-01"),
        ("DA", "2024.01.01"),
        ("DA", "20241301"),
        ("DA", "20240230"),
        ("DA", "20230229"),
        ("DA", "00000101"),
        ("DA", "202401"),
        ("DA", "20240101 "),
        ("DA", "20240101-20240102-"),
        ("DA", "20240131-20240101"),
        ("DA", "today"),
        ("DA", "*"),
        ("DA", "２０２４０１０１"),  # noqa: RUF001 - wide letters are the case
        ("TM", "24"),
        ("TM", "1060"),
        ("TM", "103061"),
        ("TM", "1030.5"),
        ("TM", "103015."),
        ("TM", "103015.1234567"),
        ("TM", "10:30"),
        ("TM", "12-11"),
        ("DT", ""),
        ("DT", "24"),
        ("DT", "202413"),
        ("DT", "2024+1500"),
        ("DT", "2024+0160"),
        ("DT", "00010101+0100"),
        ("DT", "9999-1200"),
        ("DT", "2025-2024"),
    ],
)
def test_parse_range_refuses_what_is_no_date_or_time(vr: str, text: str) -> None:
    """Other formats, days that no month has, and ranges that end before they begin have no meaning."""
    with pytest.raises(InvalidQueryError):
        parse_range(vr, text)


@given(st.text("0123456789-+.:* ", max_size=40), st.sampled_from(["DA", "TM", "DT"]))
def test_parse_range_gives_an_ordered_range_or_refuses(text: str, vr: str) -> None:
    """Whatever is sent, bounds are in order or InvalidQueryError is raised."""
    try:
        found = parse_range(vr, text)
    except InvalidQueryError:
        return
    assert found.first is not None or found.last is not None
    assert found.first is None or found.last is None or found.first <= found.last


moments = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    timezones=st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


def _dt(moment: datetime) -> str:
    return f"{moment.year:04d}{moment:%m%d%H%M%S.%f%z}"


@given(moments, moments, moments)
def test_moments_with_offsets_are_compared_as_moments(
    first: datetime, last: datetime, value: datetime
) -> None:
    """Held against Python's own aware datetimes, a range of DT holds exactly the moments between its ends."""
    first, last = sorted([first, last])
    wanted = parse_range("DT", f"{_dt(first)}-{_dt(last)}")
    assert (first <= value <= last) is in_range(wanted, "DT", _dt(value))


def test_the_offset_of_the_data_set_counts_for_a_value_without_one() -> None:
    """A value is moved to UTC by its own offset, else by TimezoneOffsetFromUTC, else not at all."""
    wanted = parse_range("DT", "202401311500+0000")
    assert in_range(wanted, "DT", "202401311000", "-0500")
    assert in_range(wanted, "DT", "202401311600+0100", "-0500")
    assert in_range(wanted, "DT", "202401311500")
    assert not in_range(wanted, "DT", "202401311500", "-0500")


def test_a_moment_beyond_the_calendar_lies_in_no_range() -> None:
    """A value whose moment in UTC has no date matches nothing and raises nothing."""
    assert not in_range(Range(None, "9" * 14, utc=True), "DT", "00010101+0100")
    assert in_range(Range(None, "9" * 14, utc=True), "DT", datetime.now(UTC).strftime("%Y%m%d+0000"))
