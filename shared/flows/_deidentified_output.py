"""Write a de-identified file where it was asked for, once, and read it back. It de-identifies nothing.

What is made of an instance is always the same, name and bytes, so that a second attempt finds what the first one wrote.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from shared.dicom.references import InstanceRef
from shared.dicom.store_response import FailedInstance
from shared.errors import IdentifierLeftError, ObjectExistsError, RejectedInstanceError
from shared.flows._archive_writes import StorePorts
from shared.flows._file_source import StoredFile
from shared.flows._same_bytes import same_bytes
from shared.flows._store_request import StoreRequest
from shared.flows.deidentify_file import DeidentifiedFile
from shared.flows.delete_instances import DeletePorts, delete_instances
from shared.flows.store_instances import store_instances
from shared.ports.archive import ObjectStore
from shared.records import ObjectKey, ObjectLocation


@dataclass(frozen=True, slots=True)
class ToPartition:
    """Another data partition of the archive: files are stored and indexed there."""

    store: StorePorts
    delete: DeletePorts


@dataclass(frozen=True, slots=True)
class ToContainer:
    """Another container: files are put there as `{study}/{series}/{instance}.dcm`, and indexed if it is watched."""

    objects: ObjectStore
    container: str


type Destination = ToPartition | ToContainer


async def write_output(done: DeidentifiedFile, destination: Destination) -> str:
    """Write a file and read it back; return where it is.

    Raises:
        IdentifierLeftError: An identifier of the patient is in what was written, which is deleted again.
        ObjectExistsError: Something else is there.
        RejectedInstanceError: It cannot be stored.
        TransientError: Trying again may help.
    """
    if isinstance(destination, ToContainer):
        return await _to_container(done, destination)
    return await _to_partition(done, destination)


async def _to_container(done: DeidentifiedFile, destination: ToContainer) -> str:
    uids = done.made.uids
    name = f"{uids.study_instance_uid}/{uids.series_instance_uid}/{uids.sop_instance_uid}.dcm"
    key = ObjectKey(destination.container, name)
    objects = destination.objects
    try:
        info = await objects.put(key, done.stream(), if_absent=True)
    except ObjectExistsError:
        info = await objects.head(key)
        if not await same_bytes(done.stream(), objects.stream(key, if_match=info.etag)):
            raise ObjectExistsError(
                f"{key} is there already, with other bytes; nothing was written"
            ) from None
    try:
        await done.check(StoredFile(objects, ObjectLocation(key, info.etag, 0, info.size)))
    except IdentifierLeftError:
        await objects.delete(key, if_match=info.etag)
        raise
    return str(key)


async def _to_partition(done: DeidentifiedFile, destination: ToPartition) -> str:
    ref = InstanceRef(*done.made.uids)
    [outcome] = await store_instances(_only(_File(done)), StoreRequest(service_url=""), destination.store)
    if isinstance(outcome, FailedInstance):
        raise RejectedInstanceError(outcome.text)
    record = await destination.store.index.get(ref)
    try:
        await done.check(StoredFile(destination.store.objects, record.location))
    except IdentifierLeftError:
        await delete_instances(ref, destination.delete)
        raise
    return ref.sop_instance_uid


class _File:
    """A part of a request that never was sent."""

    headers: Mapping[str, str] = {}

    def __init__(self, done: DeidentifiedFile) -> None:
        self._done = done

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield its content."""
        return self._done.stream()


async def _only(part: _File) -> AsyncIterator[_File]:
    yield part
