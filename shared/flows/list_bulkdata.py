"""List the values that the metadata of a study, series or instance only names. Reads no object."""

from dataclasses import dataclass

from shared.dicom.references import InstanceRef
from shared.errors import NotFoundError
from shared.flows._records import Ref, records_of
from shared.flows._urls import instance_url
from shared.ports.archive import InstanceIndex
from shared.telemetry.tracing import flow


@dataclass(frozen=True, slots=True)
class ListedBulkData:
    """One value, for `retrieve_bulkdata` to read: where it is, whose it is, and its *length* in bytes."""

    url: str
    ref: InstanceRef
    path: str
    length: int


@flow
async def list_bulkdata(ref: Ref, *, service_url: str, index: InstanceIndex) -> list[ListedBulkData]:
    """Return every value of what *ref* names, by series, instance and tag.

    Args:
        ref: A study, series or instance.
        service_url: Public root of the service, for the values' URLs.
        index: Which knows them.

    Raises:
        NotFoundError: There is no such instance, or no such value.

    Source: PS3.18 2024e §10.4.1.1.5 and §10.4.3.3.5
    """
    listed = [
        ListedBulkData(
            f"{instance_url(service_url, record.ref)}/bulkdata/{path}", record.ref, path, span.length
        )
        async for record in records_of(index, ref)
        for path, span in sorted(record.bulk_data.items())
    ]
    if not listed:
        raise NotFoundError("the metadata names no bulk data: it holds all values itself")
    return listed
