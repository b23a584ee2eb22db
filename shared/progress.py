"""How far a job is: counts, rate and time left. Pure; it reads no clock and no table."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.ports.jobs import DONE, FAILED, ItemState, Job, JobItem

BYTES = "bytes"
"""Under which an item counts the bytes of what was done."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts are of items; *bytes_done* is of what is done."""

    total: int
    pending: int
    done: int
    failed: int
    bytes_done: int
    rate_per_second: float | None
    """Items finished a second since the job was made; None while none is."""
    seconds_left: float | None
    """At that rate; None where it cannot be said, 0 once the job has ended."""


def progress(job: Job, items: Iterable[JobItem], now: datetime) -> Progress:
    """Return how far *job* is, by its *items*, at *now*."""
    done = failed = size = 0
    last: datetime | None = None
    for item in items:
        if item.state is ItemState.PENDING:
            continue
        if item.state is ItemState.DONE:
            done += 1
            size += item.counts.get(BYTES, 0)
        else:
            failed += 1
        if item.changed_at is not None and (last is None or item.changed_at > last):
            last = item.changed_at
    finished = done + failed
    pending = max(job.item_count - finished, 0)
    ended = job.phase in (DONE, FAILED)
    until = (last or now) if ended or not pending else now
    seconds = (until - job.created_at).total_seconds()
    rate = finished / seconds if finished and seconds > 0 else None
    left = pending / rate if rate else None
    if ended or (finished and not pending):
        left = 0.0
    return Progress(job.item_count, pending, done, failed, size, rate, left)
