"""Objects in a dictionary. Does not persist, page or limit anything."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.errors import ObjectChangedError, ObjectExistsError, ObjectNotFoundError
from shared.records import ObjectInfo, ObjectKey, ObjectRange

CHUNK_LENGTH = 2 * 1024 * 1024
"""Longest piece that `stream` yields, in bytes."""


def _check_range(start: int, end: int | None) -> None:
    if start < 0 or (end is not None and end < start):
        raise ValueError(
            f"[{start}, {end}) is no byte range; start at 0 or later and end no earlier than that"
        )


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object: what the store says of it, its bytes, and its media type."""

    info: ObjectInfo
    data: bytes
    content_type: str


class MemoryObjectStore:
    """An ObjectStore of *containers*, in *objects*, which tests may read and write past the port."""

    def __init__(self, containers: Iterable[str]) -> None:
        self.containers = frozenset(containers)
        self.objects: dict[ObjectKey, StoredObject] = {}
        self._etags = itertools.count(1)

    def write(
        self, key: ObjectKey, data: bytes, *, content_type: str = "application/dicom", is_folder: bool = False
    ) -> ObjectInfo:
        """Write an object without awaiting, whatever is there; this is how a user's upload arrives in a test."""
        info = ObjectInfo(key, len(data), f'"{next(self._etags):016x}"', datetime.now(UTC), is_folder)
        self.objects[key] = StoredObject(info, data, content_type)
        return info

    async def head(self, key: ObjectKey) -> ObjectInfo:
        """Describe an object, or raise ObjectNotFoundError."""
        return self._find(key, None).info

    async def read_range(
        self, key: ObjectKey, start: int, end: int, *, if_match: str | None = None
    ) -> ObjectRange:
        """Read bytes [start, end); see ObjectStore."""
        _check_range(start, end)
        found = self._find(key, if_match)
        return ObjectRange(found.info, found.data[start:end])

    async def stream(
        self, key: ObjectKey, start: int = 0, end: int | None = None, *, if_match: str | None = None
    ) -> AsyncIterator[bytes]:
        """Yield bytes [start, end); ObjectChangedError if the object is replaced on the way."""
        _check_range(start, end)
        found = self._find(key, if_match)
        stop = found.info.size if end is None else min(end, found.info.size)
        for offset in range(start, stop, CHUNK_LENGTH):
            data = self._find(key, found.info.etag).data
            yield data[offset : min(offset + CHUNK_LENGTH, stop)]

    async def put(
        self,
        key: ObjectKey,
        data: bytes | AsyncIterator[bytes],
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        content_type: str | None = None,
    ) -> ObjectInfo:
        """Write a whole object; see ObjectStore. ObjectNotFoundError if there is no such container."""
        whole = data if isinstance(data, bytes) else b"".join([piece async for piece in data])
        self._check_container(key.container)
        if if_absent and key in self.objects:
            raise ObjectExistsError(f"{key} is there already; choose another name or allow overwriting")
        if if_match is not None and (key not in self.objects or self.objects[key].info.etag != if_match):
            raise ObjectChangedError(f"an object in {key.container} is no longer what it was; read it again")
        return self.write(key, whole, content_type=content_type or "application/dicom")

    async def delete(self, key: ObjectKey, *, if_match: str | None = None) -> None:
        """Remove an object; see ObjectStore."""
        if key in self.objects:
            self._find(key, if_match)
            del self.objects[key]

    async def scan(self, container: str, *, prefix: str = "", after: str = "") -> AsyncIterator[ObjectInfo]:
        """Yield the objects there were when the scan began; see ObjectStore."""
        self._check_container(container)
        keys = sorted(key for key in self.objects if key.container == container)
        for key in keys:
            if key.name.startswith(prefix) and key.name > after and key in self.objects:
                yield self.objects[key].info

    def _check_container(self, container: str) -> None:
        if container not in self.containers:
            raise ObjectNotFoundError(f"there is no container {container}; make it before the app starts")

    def _find(self, key: ObjectKey, if_match: str | None) -> StoredObject:
        found = self.objects.get(key)
        if found is None:
            raise ObjectNotFoundError(f"there is no object {key}")
        if if_match is not None and found.info.etag != if_match:
            raise ObjectChangedError(f"{key} is no longer what it was at etag {if_match}; read it again")
        return found
