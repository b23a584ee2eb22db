"""Dates move by whole days, whatever they look like; ages end at 90."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dicom.deidentification.dates import cap_ages, keep_years, shift_dates


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("DA", b"20240301", b"20240229"),
        ("DA", b"20240301 ", b"20240229"),
        ("DA", b"2024.03.01", b"2024.02.29"),
        ("DA", b"20240301\\20240302", b"20240229\\20240301"),
        ("DA", b"202403", b"202402"),
        ("DA", b"2024", b"2023"),
        ("DA", b"", b""),
        ("DA", b"20240231", b""),
        ("DA", b"Friday", b""),
        ("DA", b"00010101", b""),
        ("DT", b"20240301101500.000000+0100", b"20240229101500.000000+0100"),
        ("DT", b"202403011015-0500", b"202402291015-0500"),
        ("DT", b"2024030110", b"2024022910"),
        ("DT", b"20240301", b"20240229"),
        ("DT", b"202403+0100", b"202402+0100"),
        ("DT", b"2024", b"2023"),
        ("DT", b"20240301\\\\20240302", b"20240229\\\\20240301"),
        ("DT", b"\xff\xfe", b""),
    ],
)
def test_dates_become_earlier_by_a_day(vr: str, value: bytes, expected: bytes) -> None:
    """Partial, multiple, dotted and zoned values survive; what is no date becomes empty."""
    assert shift_dates(value, vr, 1) == expected


@given(st.dates(date(1900, 1, 1)), st.integers(1, 3650), st.sampled_from(["DA", "DT"]))
def test_date_and_date_time_agree(day: date, days: int, vr: str) -> None:
    """A DA and a DT of the same day stay on the same day."""
    expected = (day - timedelta(days=days)).strftime("%Y%m%d").zfill(8).encode()
    tail = b"235959.999999+1400" if vr == "DT" else b""

    assert shift_dates(f"{day:%Y%m%d}".encode() + tail, vr, days) == expected + tail


@given(st.binary(max_size=40), st.sampled_from(["DA", "DT"]))
def test_no_value_is_too_odd(value: bytes, vr: str) -> None:
    """Any bytes are shifted and cut without an error."""
    shift_dates(value, vr, 400)
    keep_years(value, vr)
    cap_ages(value)


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("DA", b"20240229", b"20240101"),
        ("DA", b"2024.02.29", b"20240101"),
        ("DT", b"20240229101500+0100", b"2024"),
        ("DA", b"20240229\\20230101", b"20240101\\20230101"),
        ("DT", b"soon", b""),
    ],
)
def test_years_are_all_that_is_kept(vr: str, value: bytes, expected: bytes) -> None:
    """A DA cannot hold less than a day, so it holds the first of January."""
    assert keep_years(value, vr) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"095Y", b"090Y"), (b"090Y", b"090Y"), (b"089Y", b"089Y"), (b"012M", b"012M"), (b"999M", b"999M"),
        (b"007D ", b"007D"), (b"old", b""), (b"091Y\\012W", b"090Y\\012W"), (b"", b""),
    ],
)  # fmt: skip
def test_nobody_is_older_than_90(value: bytes, expected: bytes) -> None:
    """Ages over 89 are one category; what is no age becomes empty."""
    assert cap_ages(value) == expected
