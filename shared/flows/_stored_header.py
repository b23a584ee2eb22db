"""Read the whole header of an instance that is indexed. Writes nothing."""

from shared.dicom.header import Header, read_header
from shared.dicom.references import InstanceRef
from shared.flows._instance_bytes import read_bytes
from shared.ports.archive import InstanceIndex, ObjectStore


async def stored_header(ref: InstanceRef, *, objects: ObjectStore, index: InstanceIndex) -> Header:
    """Return the header of an instance as it was when it was indexed.

    Raises:
        InstanceNotFoundError: There is no such instance.
        ObjectChangedError: Its object was replaced since.
        ObjectNotFoundError: Its object is gone.
    """
    location = (await index.get(ref)).location

    async def fetch(start: int, end: int) -> bytes:
        return await read_bytes(objects, location, start, end)

    return await read_header(fetch, location.length)
