"""Let a run go on as the next attempt, in a run of its own that is found again after a kill. It sends no file."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

from shared.dicom.tagging.mapping import MAX_ATTEMPT
from shared.errors import JobNotFoundError
from shared.flows._upload_request import QUEUED, UploadPorts, request_of
from shared.ports.jobs import Job, JobItem


async def begin_next_attempt(job: Job, ports: UploadPorts) -> str:
    """Return the id of the run that does what *job* was to do, with the next number; "" if there is none left."""
    request = request_of(job)
    if request.attempt == MAX_ATTEMPT:
        return ""
    job_id = hashlib.sha256(f"{job.job_id} next".encode()).hexdigest()[:32]
    try:
        await ports.jobs.get(job_id)
    except JobNotFoundError:
        items = [JobItem(item.number, item.ref, item.source) async for item in ports.jobs.items(job.job_id)]
        parameters = replace(request, attempt=request.attempt + 1).as_parameters()
        now = datetime.now(UTC)
        following = Job(job_id, job.partition, parameters, now, len(items), job.kind, QUEUED)
        await ports.jobs.create(following, items)
    await ports.uploads.send(job_id)
    return job_id
