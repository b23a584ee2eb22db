"""Find the instances of a study, series or instance for retrieval. Their bytes are read by read_instances."""

from dataclasses import dataclass

from shared.dicom.references import InstanceRef
from shared.flows._records import Ref, records_of
from shared.flows._urls import instance_url
from shared.ports.archive import InstanceIndex
from shared.records import ObjectLocation
from shared.telemetry.tracing import flow


@dataclass(frozen=True, slots=True)
class FoundInstance:
    """An instance that can be retrieved: which it is, how it is encoded, and where its bytes are."""

    ref: InstanceRef
    url: str
    transfer_syntax_uid: str
    location: ObjectLocation


@flow
async def retrieve_instances(ref: Ref, *, service_url: str, index: InstanceIndex) -> list[FoundInstance]:
    """Return every instance of what *ref* names, by series and instance UID, for `read_instances` to read.

    Args:
        ref: A study, series or instance.
        service_url: Public root of the service, for the instances' URLs.
        index: Where they are.

    Raises:
        NotFoundError: There is none.

    Source: PS3.18 2024e §10.4
    """
    return [
        FoundInstance(
            record.ref, instance_url(service_url, record.ref), record.transfer_syntax_uid, record.location
        )
        async for record in records_of(index, ref)
    ]
