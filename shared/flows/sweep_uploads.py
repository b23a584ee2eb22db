"""Ask again for work on runs that show no sign of life: a message may be lost, or a kill may have come before it."""

from datetime import datetime, timedelta
from typing import Final

from shared.flows._upload_request import (
    ANALYTICS,
    KIND,
    PREPARING,
    QUEUED,
    TRIGGERING,
    UPLOADING,
    UploadPorts,
)
from shared.ports.jobs import DONE, FAILED, Job
from shared.telemetry.tracing import flow

__all__ = ["UploadPorts", "sweep_uploads"]

_BEGUN_AGAIN: Final = {PREPARING: QUEUED, TRIGGERING: ANALYTICS}
_LOOKED_AT: Final = 200
"""Runs, the newest ones."""
_REMEMBERED: Final = 10_000


@flow
async def sweep_uploads(ports: UploadPorts, *, now: datetime, lost_after: timedelta, over: set[str]) -> int:
    """Return of how many runs the work was asked for again.

    Work that is asked for twice does no harm: what is done is not done again. One that was asking for an analysis asks
    again after so long, and its log says so. Runs that are *over* are added to that set and cost no request the next time.
    """
    asked = 0
    if len(over) > _REMEMBERED:
        over.clear()
    for job in await ports.jobs.recent(_LOOKED_AT, KIND, without=over):
        if job.phase in (DONE, FAILED):
            over.add(job.job_id)
            continue
        if now - await _last_sign(job, ports) < lost_after:
            continue
        phase, facts = _BEGUN_AGAIN.get(job.phase, job.phase), {"starter": ""}
        if job.phase == TRIGGERING:
            facts["analytics_again"] = str(int(job.facts.get("analytics_again", "0")) + 1)
        # Also where the phase stays: so the next sweep waits as long again.
        if await ports.jobs.advance(
            job.job_id, expected=job.phase, phase=phase, error=job.error, facts=facts
        ):
            asked += 1
            await (ports.analytics if phase == ANALYTICS else ports.uploads).send(job.job_id)
    return asked


async def _last_sign(job: Job, ports: UploadPorts) -> datetime:
    last = job.changed_at or job.created_at
    if job.phase == UPLOADING:
        async for item in ports.jobs.items(job.job_id):
            if item.changed_at is not None:
                last = max(last, item.changed_at)
    return last
