"""The jobs that were begun last, of every kind, with how far each is. It begins and runs none."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from functions._job_status import progress_of
from shared.flows._in_parallel import in_parallel
from shared.job_ports import DONE, FAILED, ItemState, Job, JobItem, Jobs

_KEPT: Final = 256
_AT_ONCE: Final = 4
_MAX_FAILURES: Final = 20
_STATUS: Final[Mapping[str, str]] = {
    "deidentify": "deidentify/jobs",
    "session": "sessions",
    "import": "imports",
    "upload": "uploads",
}
"""Where the status of a job of each kind is."""


class RecentJobs:
    """Remembers what became of jobs that have ended, so that their items are read once."""

    def __init__(self) -> None:
        self._ended: dict[tuple[str, datetime | None], dict[str, Any]] = {}

    async def latest(self, jobs: Jobs, limit: int, kind: str, now: datetime) -> list[dict[str, Any]]:
        """Return at most *limit* jobs, of one *kind* or of all, the newest first."""

        async def told(job: Job) -> dict[str, Any]:
            return await self._told(job, jobs, now)

        return await in_parallel(told, await jobs.recent(limit, kind), limit=_AT_ONCE)

    async def _told(self, job: Job, jobs: Jobs, now: datetime) -> dict[str, Any]:
        key = job.job_id, job.changed_at
        if (known := self._ended.get(key)) is not None:
            return known
        items = [item async for item in jobs.items(job.job_id)]
        told = _about(job, items, now)
        if job.phase in (DONE, FAILED):
            self._ended[key] = told
            if len(self._ended) > _KEPT:
                del self._ended[next(iter(self._ended))]
        return told


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
