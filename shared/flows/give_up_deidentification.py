"""Say of a job of de-identification what will not be done any more, so that its status tells the truth."""

from dataclasses import replace
from itertools import takewhile
from typing import Final

from shared.ports.jobs import DONE, ItemState, JobItem, Jobs, WorkQueue
from shared.telemetry.tracing import flow

_IN_A_ROW: Final = 3
"""Items given up one after the other, none done between them, after which the rest of a job is not tried any more."""
_GIVEN_UP: Final = "Given up after several attempts"
_UNSAID: Final = "it ended without saying why; the app's log has more"


@flow
async def give_up_deidentification(
    job_id: str, *, jobs: Jobs, work: WorkQueue, attempt: str = "", reason: str = ""
) -> None:
    """Fail the instance that a job could not get past and have the rest worked on; or fail all that is left.

    Instances are worked on in their order, so that the first pending one is the one in the way.

    Args:
        job_id: Of the job.
        jobs: Where it is kept.
        work: Asks that it be worked on again.
        attempt: Names the message that failed too often. One message gives up one instance, however often it comes.
        reason: Why no instance of the job can be worked on. Nothing of it is tried again then.

    Raises:
        JobNotFoundError: There is no such job.
        TransientError: Trying again may help.
    """
    items = [item async for item in jobs.items(job_id)]
    pending = [item for item in items if item.state is ItemState.PENDING]
    if reason:
        for item in pending:
            await jobs.put_item(job_id, replace(item, state=ItemState.FAILED, error=reason))
        await _end(job_id, jobs)
        return
    message = f"{_GIVEN_UP} (message {attempt}): "
    if pending and not any(item.error.startswith(message) for item in items):
        before = reversed(items[: items.index(pending[0])])
        in_a_row = sum(1 for _ in takewhile(_is_given_up, before)) + 1
        error = message + (pending[0].error or _UNSAID)
        lost = pending if in_a_row >= _IN_A_ROW else pending[:1]
        for item in lost:
            await jobs.put_item(job_id, replace(item, state=ItemState.FAILED, error=error))
        pending = pending[len(lost) :]
    if pending:
        await work.send(job_id)
    else:
        await _end(job_id, jobs)


async def _end(job_id: str, jobs: Jobs) -> None:
    await jobs.forget_key(job_id)
    await jobs.advance(job_id, expected="running", phase=DONE)


def _is_given_up(item: JobItem) -> bool:
    return item.state is ItemState.FAILED and item.error.startswith(_GIVEN_UP)
