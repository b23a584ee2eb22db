"""List what an instance is and was: every object that holds it, in the order in which they would serve."""

from dataclasses import dataclass
from datetime import UTC
from typing import Any

from shared.dicom.references import InstanceRef
from shared.errors import InstanceNotFoundError
from shared.flows._urls import version_name, version_url
from shared.flows.retrieve_instances import FoundInstance
from shared.ports.archive import InstanceIndex
from shared.records import InstanceRecord
from shared.telemetry.tracing import flow


@dataclass(frozen=True, slots=True)
class Version:
    """One version: *name* stands for its object in URLs, *about* is what a client is told of it."""

    name: str
    instance: FoundInstance
    about: dict[str, Any]


@flow
async def list_versions(ref: InstanceRef, *, service_url: str, index: InstanceIndex) -> list[Version]:
    """Return the versions of an instance, the one that serves first.

    The State of a version is "current", "replaced" if the current one was put in its place, or "spare" if it is another
    object that claims the same and was dropped later.

    Args:
        ref: The instance.
        service_url: Public root of the service, for the versions' URLs.
        index: Where they are.

    Raises:
        InstanceNotFoundError: Nothing serves it.
    """
    records = [record async for record in index.versions_of(ref)]
    if not records:
        raise InstanceNotFoundError(f"no object holds instance {ref.sop_instance_uid} of this series")
    return [_version(record, records[0], service_url) for record in records]


def _version(record: InstanceRecord, current: InstanceRecord, service_url: str) -> Version:
    name, url = version_name(record), version_url(service_url, record)
    is_lower = record.generation < current.generation
    about = {
        "Version": name,
        "State": "current" if record is current else "replaced" if is_lower else "spare",
        "Generation": record.generation,
        "StoredAt": record.modified_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "Source": record.source.value,
        "SopClassUid": record.sop_class_uid,
        "TransferSyntaxUid": record.transfer_syntax_uid,
        "Length": record.location.length,
        "RetrieveUrl": url,
    }
    return Version(name, FoundInstance(record.ref, url, record.transfer_syntax_uid, record.location), about)
