"""Begin a run that sends files to a partner, once for each request; queues carry it on. It sends none itself."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from shared.dicom.references import InstanceRef
from shared.errors import JobNotFoundError
from shared.flows._chosen_instances import CasePorts, instances_of, instances_of_case
from shared.flows._records import Ref
from shared.flows._upload_request import KIND, QUEUED, UploadRequest
from shared.ports.jobs import DONE, FAILED, Job, JobItem, Jobs, WorkQueue
from shared.telemetry.tracing import flow

__all__ = ["CasePorts", "Chosen", "Ref", "StartUploadPorts", "UploadRequest", "start_upload"]

type Chosen = Ref | tuple[str, str] | list[InstanceRef] | None
"""A study, series or instance; year and id of a case; instances; or None for the objects that a prefix names."""


@dataclass(frozen=True, slots=True)
class StartUploadPorts:
    """What beginning a run needs; *partition* is the data partition that the instances lie in."""

    cases: CasePorts
    jobs: Jobs
    uploads: WorkQueue
    partition: str


@flow
async def start_upload(
    what: Chosen, request: UploadRequest, ports: StartUploadPorts, *, idempotency_key: str = ""
) -> Job:
    """Return the run that a request asks for: a new one, or the one that the same request began.

    The same request while its run goes on is that run; after that it is a new one, which sends only what is missing.
    With *idempotency_key* it is the same run for ever.

    Raises:
        InvalidRequestError: The request is out of its bounds.
        NotFoundError: There is no such instance.
        PayloadTooLargeError: There are too many.
    """
    request.check()
    refs = await _refs(what, ports)
    asked = orjson.dumps([request.as_parameters(), ports.partition, refs, idempotency_key])
    job_id = hashlib.sha256(asked).hexdigest()[:32]
    while (job := await _found(job_id, ports.jobs)) is not None and _is_over(job) and not idempotency_key:
        job_id = hashlib.sha256(job_id.encode()).hexdigest()[:32]
    if job is None:
        now = datetime.now(UTC)
        job = Job(job_id, ports.partition, request.as_parameters(), now, len(refs), KIND, QUEUED)
        await ports.jobs.create(job, [JobItem(number, ref) for number, ref in enumerate(refs, 1)])
    if job.phase == QUEUED:
        # Also of one that was there: what would have asked for the work may have been cut short.
        await ports.uploads.send(job_id)
    return job


async def _refs(what: Chosen, ports: StartUploadPorts) -> Sequence[InstanceRef]:
    if what is None:
        return []
    if isinstance(what, tuple):
        return await instances_of_case(*what, ports.cases)
    if isinstance(what, list):
        for ref in what:
            await ports.cases.index.get(ref)
        return what
    return await instances_of(what, ports.cases.index)


async def _found(job_id: str, jobs: Jobs) -> Job | None:
    try:
        return await jobs.get(job_id)
    except JobNotFoundError:
        return None


def _is_over(job: Job) -> bool:
    return job.phase in (DONE, FAILED)
