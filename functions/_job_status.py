"""How far a job is, in the words of its status answers."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from shared.ports.jobs import Job, JobItem
from shared.progress import progress


def progress_of(job: Job, items: Iterable[JobItem], now: datetime) -> dict[str, Any]:
    """Return counts of items, bytes done, rate and time left (seconds)."""
    told = progress(job, items, now)
    return {
        "total": told.total,
        "pending": told.pending,
        "done": told.done,
        "failed": told.failed,
        "bytesDone": told.bytes_done,
        "ratePerSecond": None if told.rate_per_second is None else round(told.rate_per_second, 3),
        "secondsLeft": None if told.seconds_left is None else round(told.seconds_left, 1),
    }
