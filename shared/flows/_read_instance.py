"""Read an instance that lies in the store, its header only. Writes nothing."""

from shared.dicom.header import Header, read_header
from shared.ports.archive import ObjectStore
from shared.records import ObjectInfo


async def read_stored_header(objects: ObjectStore, info: ObjectInfo, first: bytes) -> Header:
    """Read the header of an object as it was when *info* was told of it.

    Args:
        objects: Where it lies.
        info: Of the object; every read asks for this etag.
        first: Its first bytes, as many as are in hand.

    Raises:
        ObjectChangedError: It was replaced since.
        ObjectNotFoundError: It was deleted since.
        RejectedInstanceError: It is no instance that can be indexed.
    """

    async def fetch(start: int, end: int) -> bytes:
        return (await objects.read_range(info.key, start, end, if_match=info.etag)).data

    return await read_header(fetch, info.size, first=first)
