"""The jobs that were begun last, of every kind, with how far each is. It begins and runs none."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from functions._job_status import progress_of
from shared.flows._in_parallel import in_parallel
from shared.ports.jobs import DONE, FAILED, ItemState, Job, JobItem, Jobs

_KEPT: Final = 256
_AT_ONCE: Final = 4
_REST: Final = 10
_MAX_FAILURES: Final = 20
_STATUS: Final[Mapping[str, str]] = {
    "deidentify": "deidentify/jobs",
    "session": "sessions",
    "import": "imports",
    "upload": "uploads",
}
"""Where the status of a job of each kind is."""


class RecentJobs:
    """Remembers what became of jobs, so that the items of those that have ended are read once.

    Those of one that goes on are read again after ten times as long as reading them took: small jobs are told of as they
    are, and pages that follow jobs of many items leave the app to its work.

    Args:
        clock: In seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ended: dict[tuple[str, datetime | None], dict[str, Any]] = {}
        self._going_on: dict[tuple[str, datetime | None], tuple[float, dict[str, Any]]] = {}

    async def latest(self, jobs: Jobs, limit: int, kind: str, now: datetime) -> list[dict[str, Any]]:
        """Return at most *limit* jobs, of one *kind* or of all, the newest first."""

        async def told(job: Job) -> dict[str, Any]:
            return await self._told(job, jobs, now)

        return await in_parallel(told, await jobs.recent(limit, kind), limit=_AT_ONCE)

    async def _told(self, job: Job, jobs: Jobs, now: datetime) -> dict[str, Any]:
        key = job.job_id, job.changed_at
        if (known := self._ended.get(key)) is not None:
            return known
        until, lately = self._going_on.get(key, (0.0, None))
        begun = self._clock()
        if lately is not None and begun < until:
            return lately
        items = [item async for item in jobs.items(job.job_id)]
        told = _about(job, items, now)
        if job.phase in (DONE, FAILED):
            _keep(self._ended, key, told)
        else:
            ended = self._clock()
            _keep(self._going_on, key, (ended + _REST * (ended - begun), told))
        return told


def _keep[K, V](kept: dict[K, V], key: K, value: V) -> None:
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > _KEPT:
        del kept[next(iter(kept))]


def _about(job: Job, items: list[JobItem], now: datetime) -> dict[str, Any]:
    failed = [item for item in items if item.state is ItemState.FAILED]
    # What an item is about may be a file's name, and that a patient's.
    failures = [
        {
            "number": item.number,
            "instance": "" if item.ref is None else item.ref.sop_instance_uid,
            "reason": item.error,
        }
        for item in failed[:_MAX_FAILURES]
    ]
    return {
        "job": job.job_id,
        "kind": job.kind,
        "partition": job.partition,
        "status": job.phase,
        "error": job.error,
        "path": f"{_STATUS[job.kind]}/{job.job_id}" if job.kind in _STATUS else "",
        "createdAt": job.created_at.isoformat(),
        "changedAt": None if job.changed_at is None else job.changed_at.isoformat(),
        **progress_of(job, items, now),
        "failures": failures,
    }
