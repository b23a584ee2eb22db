"""Read bytes of an instance wherever they lie, as they were when it was indexed. Knows nothing of DICOM but deflating."""

from collections.abc import AsyncIterator
from typing import Protocol

from shared.dicom.byte_window import ByteWindow
from shared.dicom.deflate import inflate_data_set
from shared.dicom.part10 import read_start
from shared.ports.archive import ObjectStore
from shared.records import ObjectKey, ObjectLocation, ObjectRange


class ReadsRanges(Protocol):
    """What ranges of objects can be read from: a store, or what was kept of one."""

    async def read_range(
        self, key: ObjectKey, start: int, end: int, *, if_match: str | None = None
    ) -> ObjectRange:
        """Read bytes [start, end) as ObjectStore does."""
        ...


def stream_bytes(
    objects: ObjectStore, location: ObjectLocation, start: int = 0, end: int | None = None
) -> AsyncIterator[bytes]:
    """Yield the bytes [start, end) of an instance, counted from its own first byte; to its end by default.

    Raises:
        ObjectChangedError: Its object was replaced since it was indexed.
        ObjectNotFoundError: Its object is gone.
    """
    end = location.length if end is None else min(end, location.length)
    return objects.stream(
        location.key, location.offset + start, location.offset + end, if_match=location.etag
    )


async def read_bytes(objects: ReadsRanges, location: ObjectLocation, start: int, end: int) -> bytes:
    """Return the bytes [start, end) of an instance; fewer only at its end. Errors as of stream_bytes."""
    end = min(end, location.length)
    found = await objects.read_range(
        location.key, location.offset + start, location.offset + end, if_match=location.etag
    )
    return found.data


async def inflate_instance(objects: ReadsRanges, location: ObjectLocation) -> bytes:
    """Return the inflated data set of an instance in a deflated transfer syntax; errors as of stream_bytes.

    Raises:
        DamagedDicomError: It cannot be inflated.
        UnsupportedObjectError: It inflates to more than the limit.
    """

    async def fetch(start: int, end: int) -> bytes:
        return await read_bytes(objects, location, start, end)

    start = await read_start(ByteWindow(fetch, location.length))
    return await inflate_data_set(fetch, start.dataset_offset, location.length)
