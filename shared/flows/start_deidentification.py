"""Begin a job that de-identifies instances of the archive; a queue runs it. It de-identifies none itself."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.flows._chosen_instances import CasePorts, instances_of, instances_of_case
from shared.flows._records import Ref
from shared.ports.jobs import Job, JobItem, Jobs, WorkQueue
from shared.telemetry.tracing import flow

__all__ = ["CasePorts", "Ref", "StartPorts", "start_deidentification"]


@dataclass(frozen=True, slots=True)
class StartPorts:
    """What beginning a job needs; *partition* is the data partition that the instances lie in."""

    cases: CasePorts
    jobs: Jobs
    work: WorkQueue
    partition: str


@flow
async def start_deidentification(
    what: Ref | tuple[str, str],
    parameters: tuple[tuple[str, str], ...],
    ports: StartPorts,
    *,
    key: bytes = b"",
) -> Job:
    """Return a new job for the instances of *what*, as they are known at this moment.

    Args:
        what: A study, series or instance; or year and id of a clinical case.
        parameters: Of the request, checked: how files are to be de-identified, and where to they are written.
        ports: Where to look, and where jobs are kept.
        key: What the pseudonyms of this job alone are made of, if they are; it is destroyed when the job is done.

    Raises:
        NotFoundError: There is no such instance.
        PayloadTooLargeError: There are too many.
        ObjectExistsError: An image of the case is not what is served for its UIDs.
    """
    if isinstance(what, tuple):
        refs = await instances_of_case(*what, ports.cases)
    else:
        refs = await instances_of(what, ports.cases.index)
    items = [JobItem(number, ref) for number, ref in enumerate(refs, 1)]
    job = Job(uuid.uuid4().hex, ports.partition, parameters, datetime.now(UTC), len(items))
    await ports.jobs.create(job, items, key=key)
    await ports.work.send(job.job_id)
    return job
