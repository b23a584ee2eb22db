"""Shift dates by whole days, cut them to their year, cap ages. It works on stored bytes and never fails.

A value that is no date becomes empty: nobody can say what it holds.
Source: PS3.5 2024e §6.2; PS3.15 2026d §E.3.6; 45 CFR 164.514(b)(2)(i)(C)
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

OLDEST_AGE: Final = 90
"""In years; who is older is as old as that."""
_DATE: Final = re.compile(rb"(\d{4})(?:(\.?)(\d\d)(?:\2(\d\d))?)?")
_DATETIME: Final = re.compile(rb"(\d{4})(?:(\d\d)(?:(\d\d)(\d{2,6}(?:\.\d{1,6})?)?)?)?([+-]\d{4})?")
_AGE: Final = re.compile(rb"(\d{1,3})([DWMY])")
_UNITS_A_YEAR: Final = {b"D": 365.25, b"W": 52.18, b"M": 12, b"Y": 1}


def shift_dates(value: bytes, vr: str, days: int) -> bytes:
    """Return a DA or DT value with each of its dates *days* days earlier, times and time zones as they are.

    A date without day or month is taken for its first day, and is written as precisely as it was.
    """
    return _each(value, lambda text: _shift(text, vr, days))


def keep_years(value: bytes, vr: str) -> bytes:
    """Return a DA value with each date as the first of January of its year, or a DT value with years only."""
    return _each(value, lambda text: _year(text, vr))


def cap_ages(value: bytes) -> bytes:
    """Return an AS value in which nobody is older than 90 years."""
    return _each(value, _cap)


def _each(value: bytes, change: Callable[[bytes], bytes]) -> bytes:
    return b"\\".join(change(text.strip(b" \0")) for text in value.split(b"\\"))


def _shift(text: bytes, vr: str, days: int) -> bytes:
    found = (_DATE if vr == "DA" else _DATETIME).fullmatch(text)
    if found is None:
        return b""
    if vr == "DA":
        year, dot, month, day = found.groups()
        rest = b""
    else:
        year, month, day, time, zone = found.groups()
        dot, rest = b"", (time or b"") + (zone or b"")
    try:
        earlier = date(int(year), int(month or 1), int(day or 1)) - timedelta(days=days)
    except (ValueError, OverflowError):
        return b""
    parts = [b"%04d" % earlier.year]
    if month is not None:
        parts.append(b"%02d" % earlier.month)
    if day is not None:
        parts.append(b"%02d" % earlier.day)
    return (dot or b"").join(parts) + rest


def _year(text: bytes, vr: str) -> bytes:
    found = (_DATE if vr == "DA" else _DATETIME).fullmatch(text)
    if found is None:
        return b""
    return found[1] + (b"0101" if vr == "DA" else b"")


def _cap(text: bytes) -> bytes:
    found = _AGE.fullmatch(text)
    if found is None:
        return b""
    is_older = int(found[1]) / _UNITS_A_YEAR[found[2]] >= OLDEST_AGE
    return b"%03dY" % OLDEST_AGE if is_older else text
