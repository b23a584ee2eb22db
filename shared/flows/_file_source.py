"""Read a file by ranges, wherever it lies: an object of the store, or bytes in hand. Knows nothing of DICOM."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Protocol

from shared.flows._instance_bytes import read_bytes, stream_bytes
from shared.ports.archive import ObjectStore
from shared.records import ObjectLocation

_PIECE: Final = 1024 * 1024


class FileSource(Protocol):
    """A file of *size* bytes."""

    @property
    def size(self) -> int:
        """Of the file in bytes."""
        ...

    async def fetch(self, start: int, end: int) -> bytes:
        """Return the bytes [start, end); fewer only at the end."""
        ...

    def stream(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes [start, end) in pieces."""
        ...


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file whose bytes are in hand."""

    data: bytes

    @property
    def size(self) -> int:
        """Of the file in bytes."""
        return len(self.data)

    async def fetch(self, start: int, end: int) -> bytes:
        """Return the bytes [start, end)."""
        return self.data[start:end]

    async def stream(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes [start, end)."""
        for at in range(start, end, _PIECE):
            yield self.data[at : min(end, at + _PIECE)]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An instance in the store, as it was when it was indexed."""

    objects: ObjectStore
    location: ObjectLocation

    @property
    def size(self) -> int:
        """Of the file in bytes."""
        return self.location.length

    async def fetch(self, start: int, end: int) -> bytes:
        """Return the bytes [start, end)."""
        return await read_bytes(self.objects, self.location, start, end)

    def stream(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes [start, end)."""
        return stream_bytes(self.objects, self.location, start, end)
