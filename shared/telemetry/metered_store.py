"""An ObjectStore that counts the bytes which pass through it. It stores nothing itself."""

from collections.abc import AsyncIterator
from typing import Any

from shared.ports.archive import ObjectStore
from shared.records import ObjectInfo, ObjectKey, ObjectRange
from shared.telemetry import metrics


class MeteredStore:
    """An ObjectStore that does what another does.

    Args:
        store: The other one.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.head = store.head
        self.delete = store.delete
        self.scan = store.scan

    async def read_range(
        self, key: ObjectKey, start: int, end: int, *, if_match: str | None = None
    ) -> ObjectRange:
        """Read bytes, and count them."""
        found = await self._store.read_range(key, start, end, if_match=if_match)
        metrics.read(len(found.data))
        return found

    async def stream(
        self, key: ObjectKey, start: int = 0, end: int | None = None, *, if_match: str | None = None
    ) -> AsyncIterator[bytes]:
        """Yield bytes, and count them."""
        async for chunk in self._store.stream(key, start, end, if_match=if_match):
            metrics.read(len(chunk))
            yield chunk

    async def put(self, key: ObjectKey, data: bytes | AsyncIterator[bytes], **options: Any) -> ObjectInfo:
        """Write an object, and count its bytes once it is there."""
        info = await self._store.put(key, data, **options)
        metrics.written(info.size)
        return info
