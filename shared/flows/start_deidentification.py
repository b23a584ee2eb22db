"""Begin a job that de-identifies instances of the archive; a queue runs it. It de-identifies none itself."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.dicom.references import InstanceRef
from shared.errors import CaseNotFoundError, ObjectExistsError, PayloadTooLargeError
from shared.flows._case_images import CasePorts, find_case
from shared.flows._records import Ref, records_of
from shared.job_ports import Job, JobItem, Jobs, WorkQueue
from shared.tracing import flow

__all__ = ["CasePorts", "Ref", "StartPorts", "start_deidentification"]

MAX_ITEMS = 100_000


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
        PayloadTooLargeError: There are more than MAX_ITEMS.
        ObjectExistsError: An image of the case is not what is served for its UIDs.
    """
    refs = await _of_case(*what, ports) if isinstance(what, tuple) else await _of(what, ports)
    items = [JobItem(number, ref) for number, ref in enumerate(refs, 1)]
    job = Job(uuid.uuid4().hex, ports.partition, parameters, datetime.now(UTC), len(items))
    await ports.jobs.create(job, items, key=key)
    await ports.work.send(job.job_id)
    return job


async def _of(ref: Ref, ports: StartPorts) -> list[InstanceRef]:
    refs = []
    async for record in records_of(ports.cases.index, ref):
        refs.append(record.ref)
        if len(refs) > MAX_ITEMS:
            raise PayloadTooLargeError(f"a job has {MAX_ITEMS} instances at most: begin one a series")
    return refs


async def _of_case(year: str, case_id: str, ports: StartPorts) -> list[InstanceRef]:
    case = await find_case(year, case_id, ports.cases)
    images = [*case.views.values(), *case.duplicates]
    refs = {one.record.ref: None for one in images if one.served}
    if any(one.record.ref not in refs for one in images):
        raise ObjectExistsError(
            "an image of the case shares its SOP Instance UID with an object elsewhere, which would be de-identified instead;"
            " give one of them another UID"
        )
    if not refs:
        raise CaseNotFoundError("the case has no image")
    return list(refs)
