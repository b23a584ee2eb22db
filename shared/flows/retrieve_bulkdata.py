"""Retrieve one value that the metadata only names."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from shared.dicom.references import InstanceRef
from shared.dicom.tags import DEFLATED_TRANSFER_SYNTAXES
from shared.errors import NotFoundError
from shared.flows._instance_bytes import inflate_instance, stream_bytes
from shared.flows._urls import instance_url
from shared.ports.archive import InstanceIndex, ObjectStore
from shared.records import BulkDataSpan, InstanceRecord
from shared.telemetry.tracing import flow


@dataclass(frozen=True, slots=True)
class BulkData:
    """A value as it is stored: where it is, its *length* in bytes, its content in the byte order of its file."""

    url: str
    length: int
    content: AsyncIterator[bytes]


@flow
async def retrieve_bulkdata(
    ref: InstanceRef, path: str, *, service_url: str, objects: ObjectStore, index: InstanceIndex
) -> BulkData:
    """Find the value that a BulkDataURI names.

    Args:
        ref: The instance.
        path: What follows `bulkdata/` in the URI.
        service_url: Public root of the service, for the value's URL.
        objects: Where the instance lies.
        index: Which knows where.

    Raises:
        InstanceNotFoundError: There is no such instance.
        NotFoundError: Its metadata names no such value.

    Source: PS3.18 2024e §10.4.1.1.5
    """
    record = await index.get(ref)
    span = record.bulk_data.get(path)
    if span is None:
        raise NotFoundError(
            f"instance {ref.sop_instance_uid} has no bulk data of this path; its metadata names them"
        )
    return BulkData(
        f"{instance_url(service_url, ref)}/bulkdata/{path}", span.length, _read(objects, record, span)
    )


async def _read(objects: ObjectStore, record: InstanceRecord, span: BulkDataSpan) -> AsyncIterator[bytes]:
    end = span.offset + span.length
    if record.transfer_syntax_uid in DEFLATED_TRANSFER_SYNTAXES:
        inflated = await inflate_instance(objects, record.location)
        yield inflated[span.offset : end]
        return
    async for chunk in stream_bytes(objects, record.location, span.offset, end):
        yield chunk
