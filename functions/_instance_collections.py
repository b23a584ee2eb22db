"""Send several instances in one answer, as parts or as a ZIP file, each as it is stored or transcoded."""

from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

from starlette.responses import Response

from functions._multipart import multipart_body, multipart_length
from functions._retrieve_instance import DICOM, transcoded_content
from functions._streaming import close, stream_response
from functions._zip import ZipEntry, zip_body
from shared.dicom.multipart_writer import multipart_content_type, new_boundary, part_head
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.flows.read_instance import read_instance
from shared.flows.read_instances import read_instances
from shared.flows.retrieve_instances import FoundInstance
from shared.services.services import Services

ZIP: Final = "application/zip"
_MISSING: Final = "MISSING.txt"


class Sent(NamedTuple):
    """An instance, and the transfer syntax to send it in."""

    instance: FoundInstance
    transfer_syntax_uid: str

    @property
    def is_stored(self) -> bool:
        """Tell whether it is sent as it is stored."""
        return self.instance.transfer_syntax_uid == self.transfer_syntax_uid


async def answer_parts(instances: Sequence[Sent], services: Services) -> Response:
    """Send instances one after another as multipart/related; its length is known if all are sent as they are stored.

    Source: PS3.18 2024e §8.6.1.2
    """
    boundary = new_boundary()
    heads = [_head(sent, boundary) for sent in instances]
    length = None
    if all(sent.is_stored for sent in instances):
        length = multipart_length(heads, [sent.instance.location.length for sent in instances], boundary)
    return await stream_response(
        multipart_body(_parts(heads, instances, services), boundary),
        media_type=multipart_content_type(DICOM, boundary),
        length=length,
    )


async def answer_zip(
    ref: StudyRef | SeriesRef | InstanceRef,
    instances: Sequence[Sent],
    services: Services,
    *,
    missing: Sequence[FoundInstance] = (),
) -> Response:
    """Send instances as the files of a ZIP: study, series and instance UID are folders and name.

    Args:
        ref: What was asked for, after which the ZIP is named.
        instances: Those that are sent.
        services: Of their partition.
        missing: Those that are not; a file tells of them, as a ZIP is kept longer than the headers of its answer.

    Source: PS3.18 2024e §8.6.1.3
    """
    match ref:
        case InstanceRef():
            name = ref.sop_instance_uid
        case SeriesRef():
            name = ref.series_instance_uid
        case StudyRef():
            name = ref.study_instance_uid
    return await stream_response(
        zip_body(_entries(instances, services, missing)),
        media_type=ZIP,
        headers={"Content-Disposition": f'attachment; filename="{name}.zip"'},
    )


def _head(sent: Sent, boundary: str) -> bytes:
    headers = {"Content-Type": f"{DICOM}; transfer-syntax={sent.transfer_syntax_uid}"}
    if sent.is_stored:
        headers["Content-Length"] = str(sent.instance.location.length)
    return part_head(boundary, {**headers, "Content-Location": sent.instance.url})


async def _parts(
    heads: Sequence[bytes], instances: Sequence[Sent], services: Services
) -> AsyncIterator[tuple[bytes, AsyncIterator[bytes]]]:
    contents, remaining = _contents(instances, services), iter(heads)
    try:
        async for content in contents:
            yield next(remaining), content
    finally:
        await close(contents)


async def _entries(
    instances: Sequence[Sent], services: Services, missing: Sequence[FoundInstance]
) -> AsyncIterator[ZipEntry]:
    contents, remaining = _contents(instances, services), iter(instances)
    try:
        async for content in contents:
            sent = next(remaining)
            most = sent.instance.location.length if sent.is_stored else services.settings.max_transcode_bytes
            yield ZipEntry(f"{_path(sent.instance)}.dcm", most, content)
    finally:
        await close(contents)
    if missing:
        text = "".join(f"{_path(instance)}\n" for instance in missing).encode()
        yield ZipEntry(_MISSING, len(text), _once(b"These instances could not be read:\n" + text))


def _path(instance: FoundInstance) -> str:
    ref = instance.ref
    return f"{ref.study_instance_uid}/{ref.series_instance_uid}/{ref.sop_instance_uid}"


async def _contents(instances: Sequence[Sent], services: Services) -> AsyncIterator[AsyncIterator[bytes]]:
    """Yield the content of each instance; those that are transcoded are so when it is their turn."""
    if all(sent.is_stored for sent in instances):
        reading = read_instances([sent.instance for sent in instances], objects=services.objects)
        try:
            async for _, content in reading:
                yield content
        finally:
            await close(reading)
        return
    for sent in instances:
        if sent.is_stored:
            length = sent.instance.location.length
            yield read_instance(sent.instance, 0, length, objects=services.objects)
        else:
            yield transcoded_content(sent.instance, sent.transfer_syntax_uid, services)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
