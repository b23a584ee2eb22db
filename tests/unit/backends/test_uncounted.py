"""What is too much to count."""

from types import SimpleNamespace

import pytest

from shared.backends.azure_table import uncounted
from shared.backends.azure_table.uncounted import Uncounted
from shared.dicom.query import MatchKey, Query, SingleValue


def test_it_holds_for_the_same_matches_up_to_the_same_row() -> None:
    """Whatever is answered of a row, the same rows match; past the page that was asked for, fewer are left."""
    found = Uncounted()
    found.note(Query("study", 25, offset=50))

    assert found.has(Query("study", 25, includefields=("00100010",)))
    assert not found.has(Query("study", 26, offset=50))
    assert not found.has(Query("series", 25))
    assert not found.has(Query("study", 25, keys=(MatchKey(("00100020",), "LO", SingleValue("P1")),)))


def test_it_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a minute, or when too many others came."""
    found = Uncounted()
    clock = 1000.0
    monkeypatch.setattr(uncounted, "time", SimpleNamespace(monotonic=lambda: clock))
    found.note(Query("study", 1))
    clock += 59
    assert found.has(Query("study", 1))
    clock += 2
    assert not found.has(Query("study", 1))

    for number in range(257):
        found.note(Query("study", 1, keys=(MatchKey(("00100020",), "LO", SingleValue(str(number))),)))
    assert not found.has(Query("study", 1, keys=(MatchKey(("00100020",), "LO", SingleValue("0")),)))
    assert found.has(Query("study", 1, keys=(MatchKey(("00100020",), "LO", SingleValue("1")),)))
