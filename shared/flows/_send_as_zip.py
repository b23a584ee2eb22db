"""Send all files of a run as one ZIP in one request: all are checked before its first byte goes, or nothing goes."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from shared.dicom.tagging.mapping import TagValue
from shared.errors import JobNotFoundError, PermanentError
from shared.flows._file_source import StoredFile
from shared.flows._sent_item import BUMPED, HashedFile, confirmation_of, done_item, leaves, with_tags
from shared.flows._stored_zip import StoredZip, ZippedFile
from shared.flows._tagged_file import tagged_file
from shared.flows._upload_files import location_of
from shared.flows._upload_log import tries_text
from shared.flows._upload_phases import failed_item
from shared.flows._upload_records import Confirmation, confirm, confirmation, fingerprint_of, kept_metadata
from shared.flows._upload_request import UploadPorts, request_of
from shared.ports.jobs import ItemState, Job, JobItem
from shared.ports.partner import PartnerError
from shared.records import ObjectLocation

_NOT_SENT = "not sent, as another file of the run is not fit to be"


async def send_as_zip(job: Job, ports: UploadPorts) -> None:
    """Check every file of *job* and send them together; all items have ended then.

    Raises:
        TransientError: Trying again may help; nothing is confirmed then.
    """
    items = [item async for item in ports.jobs.items(job.job_id)]
    if all(item.state is not ItemState.PENDING for item in items):
        return
    request = request_of(job)
    metadata = await kept_metadata(ports, job.job_id)
    if metadata is None:
        raise JobNotFoundError("the metadata of the run are gone: it has ended")
    values = ports.values(request, metadata)
    checked, places, prints = await _checked(items, values, ports)
    if any(item.state is ItemState.FAILED for item in checked):
        await _end(job, [_left_out(item) for item in checked], ports)
        return
    if request.dry_run:
        nothing = Confirmation("", 0, 0, "", already_stored=False)
        await _end(job, [_done(item, nothing, "checked") for item in checked], ports)
        return
    fingerprint = hashlib.sha256("".join(prints).encode()).hexdigest()
    how = "confirmed before"
    if (told := await confirmation(ports, request, fingerprint)) is None:
        files = [
            ZippedFile(f"{item.number:08d}.dcm", item.counts["bytes"], _opened(place, values, ports))
            for item, place in zip(checked, places, strict=True)
        ]
        sent = HashedFile(StoredZip(files))
        try:
            answer = await ports.partner.upload_zip(sent, max_retry=request.max_retry)
            if answer.already_stored and request.bump_attempt:
                raise PartnerError(BUMPED, str(answer.status), answer.tries)
        except PermanentError as error:
            await _end(job, [failed_item(item, error) for item in checked], ports)
            return
        told = confirmation_of(answer, sent)
        await confirm(ports, request, fingerprint, told)
        how = "already stored" if told.already_stored else "sent in one ZIP"
        tries = tries_text(answer.tries)
        checked = [replace(item, facts={**item.facts, "tries": tries}) for item in checked[:1]] + checked[1:]
    await _end(job, [_done(item, told, how) for item in checked], ports)


async def _checked(
    items: Sequence[JobItem], values: Sequence[TagValue], ports: UploadPorts
) -> tuple[list[JobItem], list[ObjectLocation], list[str]]:
    """Return the items with what would be done to each, or failed; where they lie; and what tells them apart."""
    checked: list[JobItem] = []
    places: list[ObjectLocation] = []
    for item in items:
        try:
            place = await location_of(item, ports)
            tagged = await tagged_file(StoredFile(ports.objects, place), values)
        except PermanentError as error:
            checked.append(failed_item(item, error))
            continue
        ready = with_tags(item, tagged)
        checked.append(replace(ready, counts={**ready.counts, "bytes": tagged.size}))
        places.append(place)
    return checked, places, [fingerprint_of(place, values) for place in places]


def _opened(
    place: ObjectLocation, values: Sequence[TagValue], ports: UploadPorts
) -> Callable[[], AsyncIterator[bytes]]:
    """Return what tags the file again when its turn has come: holding every header till then would cost memory."""

    async def stream() -> AsyncIterator[bytes]:
        tagged = await tagged_file(StoredFile(ports.objects, place), values)
        leaves(tagged)
        async for chunk in tagged.stream():
            yield chunk

    return stream


def _left_out(item: JobItem) -> JobItem:
    return item if item.state is ItemState.FAILED else replace(item, state=ItemState.FAILED, error=_NOT_SENT)


def _done(item: JobItem, told: Confirmation, how: str) -> JobItem:
    return replace(done_item(item, told, how), counts=item.counts)


async def _end(job: Job, items: Sequence[JobItem], ports: UploadPorts) -> None:
    for item in items:
        await ports.jobs.put_item(job.job_id, item)
