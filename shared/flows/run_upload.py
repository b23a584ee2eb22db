"""Carry a run on that is to be worked on as a whole: ask for metadata, find files, have each sent; or send all as one."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from shared.dicom.tagging.mapping import request_type_of
from shared.errors import PayloadTooLargeError, PermanentError
from shared.flows._chosen_instances import MAX_ITEMS
from shared.flows._in_parallel import in_parallel
from shared.flows._one_patient import SeveralPatientsError, check_one_patient
from shared.flows._send_as_zip import send_as_zip
from shared.flows._upload_files import objects_named
from shared.flows._upload_log import tries_text
from shared.flows._upload_phases import close, reason_of, settle
from shared.flows._upload_records import keep_metadata, kept_metadata
from shared.flows._upload_request import PREPARING, QUEUED, UPLOADING, UploadPorts, request_of
from shared.ports.jobs import FAILED, ItemState, Job, JobItem
from shared.ports.partner import PartnerError
from shared.telemetry.tracing import flow

__all__ = ["UploadPorts", "run_upload"]

_SENT_AT_ONCE = 16


@flow
async def run_upload(job_id: str, ports: UploadPorts, *, message_id: str) -> None:
    """Take a run as far as it goes without waiting for its files; whatever was done before is not done again.

    Of several messages the first one takes the run by a conditional change; it alone has files sent, and when it comes again,
    its first delivery was cut short. So no file is under way twice.

    Args:
        job_id: Of the run.
        ports: What it needs.
        message_id: Of the message, the same whenever it is delivered.

    Raises:
        JobNotFoundError: There is no such run.
        TransientError: Trying again may help.
    """
    taken = {"starter": message_id}
    await ports.jobs.advance(job_id, expected=QUEUED, phase=PREPARING, facts=taken)
    job = await ports.jobs.get(job_id)
    if job.facts.get("starter") not in (message_id, ""):
        return
    if job.phase == PREPARING:
        try:
            await _prepare(job, ports)
        except SeveralPatientsError as error:
            await close(job, ports, end=FAILED, phase_name="upload", error=str(error))
        except PermanentError as error:
            facts = {"metadata_tries": tries_text(error.tries)} if isinstance(error, PartnerError) else {}
            await close(job, ports, end=FAILED, phase_name="metadata", error=reason_of(error), facts=facts)
        job = await ports.jobs.get(job_id)
    if job.phase == UPLOADING and request_of(job).atomic:
        await send_as_zip(job, ports)
    elif job.phase == UPLOADING:
        numbers = [item.number async for item in ports.jobs.items(job_id) if item.state is ItemState.PENDING]
        await in_parallel(lambda number: ports.uploads.send(job_id, number), numbers, limit=_SENT_AT_ONCE)
    await settle(job_id, ports)


async def _prepare(job: Job, ports: UploadPorts) -> None:
    """Get the metadata, check that all values can be set, find the files, and look whose they are."""
    metadata, facts = await _metadata(job, ports)
    request = request_of(job)
    ports.values(request, metadata)
    request_type_of(metadata)
    count = job.item_count
    if request.container:
        count = await _find_files(job, ports)
    if not count:
        raise PermanentError("there is no DICOM file where the run was told to look")
    await check_one_patient(job, ports)
    facts["metadata_sha256"] = hashlib.sha256(orjson.dumps(metadata)).hexdigest()
    await ports.jobs.advance(job.job_id, expected=PREPARING, phase=UPLOADING, item_count=count, facts=facts)


async def _metadata(job: Job, ports: UploadPorts) -> tuple[Mapping[str, Any], dict[str, str]]:
    if (kept := await kept_metadata(ports, job.job_id)) is not None:
        return kept, {}
    request = request_of(job)
    answer = await ports.partner.metadata(request.sample_id, max_retry=request.max_retry)
    if not isinstance(answer.content, dict) or not answer.content:
        raise PartnerError("the partner's metadata are no JSON object", str(answer.status), answer.tries)
    await keep_metadata(ports, job.job_id, answer.content)
    return answer.content, {"metadata_tries": tries_text(answer.tries)}


async def _find_files(job: Job, ports: UploadPorts) -> int:
    """Return how many files there are; those that were found before a kill keep their numbers."""
    known = {item.source async for item in ports.jobs.items(job.job_id)}
    items: list[JobItem] = []
    async for key in objects_named(request_of(job), ports):
        if str(key) in known:
            continue
        items.append(JobItem(len(known) + len(items) + 1, source=str(key)))
        if len(known) + len(items) > MAX_ITEMS:
            raise PayloadTooLargeError(f"a run has {MAX_ITEMS} files at most: name a longer prefix")
    await ports.jobs.add_items(job.job_id, items)
    return len(known) + len(items)
