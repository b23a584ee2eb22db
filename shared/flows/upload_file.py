"""Send one file of a run: set its attributes in a copy, check the copy, stream it, and keep that it arrived."""

import contextlib
from dataclasses import replace

from shared.errors import JobNotFoundError, PermanentError, TransientError
from shared.flows._file_source import StoredFile
from shared.flows._sent_item import BUMPED, HashedFile, confirmation_of, done_item, leaves, with_tags
from shared.flows._tagged_file import tagged_file
from shared.flows._upload_files import location_of
from shared.flows._upload_log import tries_text
from shared.flows._upload_phases import failed_item, settle
from shared.flows._upload_records import Confirmation, confirm, confirmation, fingerprint_of, kept_metadata
from shared.flows._upload_request import UPLOADING, UploadPorts, request_of
from shared.ports.jobs import ItemState, Job, JobItem
from shared.ports.partner import PartnerError
from shared.telemetry.tracing import flow

__all__ = ["UploadPorts", "upload_file"]


@flow
async def upload_file(job_id: str, number: int, ports: UploadPorts) -> None:
    """Send file *number* of a run, if it is still to be sent, and go on with the run if it was the last.

    A file that can never be sent fails by itself. One that was under way when the app was killed is sent again, unless it was
    confirmed.

    Raises:
        JobNotFoundError: There is no such run or file.
        TransientError: Trying again may help.
    """
    job = await ports.jobs.get(job_id)
    item = await ports.jobs.item(job_id, number)
    if job.phase != UPLOADING or item.state is not ItemState.PENDING:
        await settle(job_id, ports)
        return
    deliveries = int(item.facts.get("deliveries", "0")) + 1
    item = replace(item, facts={**item.facts, "deliveries": str(deliveries)})
    await ports.jobs.put_item(job_id, item)
    try:
        item = await _sent(job, item, ports)
    except PermanentError as error:
        item = failed_item(item, error)
    except TransientError as error:
        # Noted for the case that this was the last attempt; if that fails too, it is not known why.
        with contextlib.suppress(TransientError):
            await ports.jobs.put_item(job_id, replace(item, error=f"{type(error).__name__}: {error}"))
        raise
    await ports.jobs.put_item(job_id, item)
    await settle(job_id, ports, after=number)


async def _sent(job: Job, item: JobItem, ports: UploadPorts) -> JobItem:
    request = request_of(job)
    metadata = await kept_metadata(ports, job.job_id)
    if metadata is None:
        raise JobNotFoundError("the metadata of the run are gone: it has ended")
    values = ports.values(request, metadata)
    location = await location_of(item, ports)
    fingerprint = fingerprint_of(location, values)
    if not request.dry_run and (kept := await confirmation(ports, request, fingerprint)) is not None:
        return done_item(item, kept, "confirmed before")
    tagged = await tagged_file(StoredFile(ports.objects, location), values)
    item = with_tags(item, tagged)
    if request.dry_run:
        return done_item(item, Confirmation("", tagged.size, 0, "", already_stored=False), "checked")
    sent = HashedFile(tagged)
    leaves(tagged)
    answer = await ports.partner.upload(sent, max_retry=request.max_retry)
    if answer.already_stored and request.bump_attempt:
        raise PartnerError(BUMPED, str(answer.status), answer.tries)
    told = confirmation_of(answer, sent)
    await confirm(ports, request, fingerprint, told)
    tries = tries_text(answer.tries, item.facts.get("tries", ""))
    item = replace(item, facts={**item.facts, "tries": tries})
    return done_item(item, told, "already stored" if told.already_stored else "sent")
