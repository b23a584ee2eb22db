"""Say of an import what will not be tried any more, so that its status tells the truth."""

from dataclasses import replace
from typing import Final

from shared.flows._import_end import note_finished
from shared.flows._import_order import QUEUED, ImportPorts
from shared.ports.jobs import FAILED, ItemState
from shared.telemetry.tracing import flow

_GIVEN_UP: Final = "given up after several attempts, as the source or the archive did not answer; resume the import to try again"


@flow
async def give_up_import(job_id: str, number: int, ports: ImportPorts) -> None:
    """Fail a study of a job, or with number 0 the job, that was tried too often.

    A study that got on since it was here last is not given up: whatever ended its attempts, such as an app that is
    restarted over and over, they were not in vain.

    Raises:
        JobNotFoundError: There is no such job or item.
        TransientError: Trying again may help.
    """
    if not number:
        await ports.jobs.advance(job_id, expected=QUEUED, phase=FAILED, error=_GIVEN_UP)
        return
    item = await ports.jobs.item(job_id, number)
    reached = sum(item.counts.get(name, 0) for name in ("stored", "present", "failed"))
    if item.state is ItemState.PENDING and reached > int(item.facts.get("reached", "0")):
        facts = {**item.facts, "reached": str(reached)}
        await ports.jobs.put_item(job_id, replace(item, facts=facts))
        await ports.work.send(job_id, number)
        return
    if item.state is ItemState.PENDING:
        facts = {**item.facts, "again": "1"}
        await ports.jobs.put_item(job_id, replace(item, state=ItemState.FAILED, error=_GIVEN_UP, facts=facts))
    await note_finished(job_id, number, ports)
