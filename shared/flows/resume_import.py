"""Try again what an import did not manage. What it did is left alone."""

from dataclasses import replace

from shared.errors import JobNotFoundError
from shared.flows._import_end import note_finished
from shared.flows._import_order import KIND, QUEUED, RUNNING, ImportPorts
from shared.ports.jobs import ItemState, Job
from shared.telemetry.tracing import flow

__all__ = ["KIND", "resume_import"]


@flow
async def resume_import(job_id: str, ports: ImportPorts) -> Job:
    """Ask that everything of a job that failed or is still to be done be done; return the job as it is then.

    A job that is under way is asked for again where it may have been lost; that does no harm.

    Raises:
        JobNotFoundError: There is no such import.
    """
    job = await ports.jobs.get(job_id)
    if job.kind != KIND:
        raise JobNotFoundError("there is no such import")
    numbers, unplanned = list[int](), list[int]()
    async for item in ports.jobs.items(job_id):
        if item.state is ItemState.DONE:
            continue
        if item.state is ItemState.FAILED:
            facts = {**item.facts, "again": "", "round": str(int(item.facts.get("round", "0")) + 1)}
            await ports.jobs.put_item(job_id, replace(item, state=ItemState.PENDING, error="", facts=facts))
        (unplanned if "unplanned" in item.facts else numbers).append(item.number)
    undiscovered = job.facts.get("discovered") != "1"
    pending = [*numbers, *unplanned]
    facts = {"finished": str(min(pending) - 1)} if pending else {}
    if unplanned:
        facts |= {"after": "", "discovered": ""}
    phase = QUEUED if unplanned or undiscovered else RUNNING
    await ports.jobs.advance(job_id, expected=job.phase, phase=phase, facts=facts)
    if phase == QUEUED:
        await ports.work.send(job_id)
    for number in numbers:
        await ports.work.send(job_id, number)
    if phase == RUNNING and not numbers:
        await note_finished(job_id, 0, ports)
    return await ports.jobs.get(job_id)
