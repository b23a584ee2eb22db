"""How far a job is follows from its items."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.ports.jobs import DONE, ItemState, Job, JobItem
from shared.progress import progress

_START = datetime(2026, 1, 1, tzinfo=UTC)
_JOB = Job("0" * 32, "default", (), _START, 10)


def _items(done: int, failed: int, at: datetime) -> list[JobItem]:
    states = [ItemState.DONE] * done + [ItemState.FAILED] * failed
    finished = [
        JobItem(number, state=state, counts={"bytes": 100}, changed_at=at)
        for number, state in enumerate(states, 1)
    ]
    return finished + [JobItem(number) for number in range(len(states) + 1, 11)]


def test_the_time_left_follows_from_the_rate() -> None:
    """Four of ten in eight seconds: half an item a second, twelve seconds to go; failures took time too."""
    told = progress(_JOB, _items(3, 1, _START + timedelta(seconds=8)), _START + timedelta(seconds=8))

    assert (told.total, told.pending, told.done, told.failed, told.bytes_done) == (10, 6, 3, 1, 300)
    assert told.rate_per_second == pytest.approx(0.5)
    assert told.seconds_left == pytest.approx(12)


def test_nothing_is_said_of_the_rate_before_an_item_is_done() -> None:
    """Neither is a time left invented, nor does a clock that stands still divide by zero."""
    told = progress(_JOB, _items(0, 0, _START), _START + timedelta(seconds=8))
    assert (told.rate_per_second, told.seconds_left) == (None, None)
    assert progress(_JOB, _items(2, 0, _START), _START).rate_per_second is None


def test_an_ended_job_has_no_time_left_and_keeps_its_rate() -> None:
    """However long ago that was, and also if items were left undone."""
    ended = replace(_JOB, phase=DONE)
    told = progress(ended, _items(5, 0, _START + timedelta(seconds=5)), _START + timedelta(days=1))

    assert told.seconds_left == 0
    assert told.rate_per_second == pytest.approx(1)


def test_a_job_of_nothing_has_begun_only() -> None:
    """Before its items are found nothing can be said."""
    told = progress(replace(_JOB, item_count=0), [], _START)
    assert (told.total, told.pending, told.seconds_left) == (0, 0, None)
