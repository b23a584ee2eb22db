"""Work on a job of de-identification until it is done or its time is up. Whatever was done before is not done again."""

import asyncio
import contextlib
from dataclasses import dataclass, replace

from shared.access.audit_events import Action
from shared.access.touched import touch
from shared.errors import PermanentError, TransientError
from shared.flows._archive_writes import StorePorts
from shared.flows._deidentification_report import report_key, report_of
from shared.flows._deidentified_output import Destination, ToContainer, ToPartition, write_output
from shared.flows._file_source import StoredFile
from shared.flows.deidentify_file import DeidentifyRequest, deidentify_file
from shared.flows.delete_instances import DeletePorts
from shared.ports.archive import InstanceIndex, ObjectStore
from shared.ports.jobs import DONE, ItemState, Job, JobItem, Jobs, WorkQueue
from shared.telemetry.tracing import flow

__all__ = ["DeletePorts", "RunPorts", "StorePorts", "ToContainer", "ToPartition", "run_deidentification"]


@dataclass(frozen=True, slots=True)
class RunPorts:
    """What a job needs: where its instances lie, where its outcome is kept, and where files are written."""

    objects: ObjectStore
    index: InstanceIndex
    jobs: Jobs
    work: WorkQueue
    report_container: str
    destination: Destination | None
    """None for a dry run."""


@flow
async def run_deidentification(
    job: Job, request: DeidentifyRequest, ports: RunPorts, *, seconds: float
) -> bool:
    """De-identify the pending instances of *job*, one after the other; return whether none is left.

    When none is left, the job's own secret is destroyed. When *seconds* are over, the job is sent to its queue again. A file that cannot be de-identified fails by itself; its
    reason stands in its item.

    Raises:
        TransientError: Trying again may help; what is done until then stays done.
    """
    end = asyncio.get_running_loop().time() + seconds
    async for item in ports.jobs.items(job.job_id):
        if item.state is not ItemState.PENDING:
            continue
        if asyncio.get_running_loop().time() >= end:
            await ports.work.send(job.job_id)
            return False
        await ports.jobs.put_item(job.job_id, await _worked_on(job, item, request, ports))
    await ports.jobs.forget_key(job.job_id)
    await ports.jobs.advance(job.job_id, expected="running", phase=DONE)
    return True


async def _worked_on(job: Job, item: JobItem, request: DeidentifyRequest, ports: RunPorts) -> JobItem:
    if item.ref is None:
        return replace(item, state=ItemState.FAILED, error="the item names no instance")
    try:
        record = await ports.index.get(item.ref)
        touch(Action.READ, item.ref)
        done = await deidentify_file(StoredFile(ports.objects, record.location), request)
        output = "" if ports.destination is None else await write_output(done, ports.destination)
    except PermanentError as error:
        return replace(item, state=ItemState.FAILED, error=f"{type(error).__name__}: {error}")
    except TransientError as error:
        # Noted for the case that this was the last attempt; if that fails too, it is not known why.
        with contextlib.suppress(TransientError):
            await ports.jobs.put_item(job.job_id, replace(item, error=f"{type(error).__name__}: {error}"))
        raise
    report = report_of(done)
    key = report_key(ports.report_container, job.job_id, item.number)
    await ports.objects.put(key, report, content_type="application/json")
    return replace(item, state=ItemState.DONE, error="", output=output, counts=dict(done.made.report.counts))
