"""ObjectStore in two places: what an upstream service holds, and all else. Decides by the key's container."""

from collections.abc import AsyncIterator

from shared.ports.archive import ObjectStore
from shared.ports.upstream import UPSTREAM_CONTAINER
from shared.records import ObjectInfo, ObjectKey, ObjectRange


class PlacedObjects:
    """A store whose container `upstream` is another one's."""

    def __init__(self, own: ObjectStore, upstream: ObjectStore) -> None:
        self._own = own
        self._upstream = upstream

    async def head(self, key: ObjectKey) -> ObjectInfo:
        """Describe an object; see ObjectStore."""
        return await self._of(key.container).head(key)

    async def read_range(
        self, key: ObjectKey, start: int, end: int, *, if_match: str | None = None
    ) -> ObjectRange:
        """Read bytes; see ObjectStore."""
        return await self._of(key.container).read_range(key, start, end, if_match=if_match)

    def stream(
        self, key: ObjectKey, start: int = 0, end: int | None = None, *, if_match: str | None = None
    ) -> AsyncIterator[bytes]:
        """Yield bytes; see ObjectStore."""
        return self._of(key.container).stream(key, start, end, if_match=if_match)

    async def put(
        self,
        key: ObjectKey,
        data: bytes | AsyncIterator[bytes],
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        content_type: str | None = None,
    ) -> ObjectInfo:
        """Write an object; see ObjectStore."""
        store = self._of(key.container)
        return await store.put(key, data, if_absent=if_absent, if_match=if_match, content_type=content_type)

    async def delete(self, key: ObjectKey, *, if_match: str | None = None) -> None:
        """Remove an object; see ObjectStore."""
        await self._of(key.container).delete(key, if_match=if_match)

    def scan(self, container: str, *, prefix: str = "", after: str = "") -> AsyncIterator[ObjectInfo]:
        """Yield the objects of a container; see ObjectStore."""
        return self._of(container).scan(container, prefix=prefix, after=after)

    def _of(self, container: str) -> ObjectStore:
        return self._upstream if container == UPSTREAM_CONTAINER else self._own
