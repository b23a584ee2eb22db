"""Instances of the upstream service that are read in pieces, kept for a while in temporary files without a name."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import IO, Final

from shared.records import ObjectInfo, ObjectKey

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """One instance in a file, which goes when nobody holds it any more."""

    info: ObjectInfo
    file: IO[bytes]
    since: float

    async def read(self, start: int, end: int) -> bytes:
        """Return the bytes [start, end), fewer only at the end."""
        wanted = max(min(end, self.info.size) - start, 0)
        return await asyncio.to_thread(os.pread, self.file.fileno(), wanted, start)

    async def rest(self, start: int) -> AsyncIterator[bytes]:
        """Yield the bytes from *start* on."""
        while piece := await self.read(start, start + _MIB):
            start += len(piece)
            yield piece


class KeptInstances:
    """A few instances, the newest, none for long: who asks for a piece asks for the next one soon.

    Args:
        largest: Bytes of the largest instance that is kept.
        most: Bytes of all of them.
        seconds: How long one is kept.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        *,
        largest: int = 256 * _MIB,
        most: int = 512 * _MIB,
        seconds: float = 30,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.largest = largest
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._held: dict[ObjectKey, Kept] = {}

    def get(self, key: ObjectKey, etag: str) -> Kept | None:
        """Return an instance as it was at *etag*, if it is kept."""
        self._drop_old()
        kept = self._held.get(key)
        return kept if kept is not None and kept.info.etag == etag else None

    async def keep(self, info: ObjectInfo, first: bytes, rest: AsyncIterator[bytes]) -> Kept:
        """Write an instance down and keep it."""
        return await self.count(info.key, first, rest, lambda *_: info)

    async def count(
        self,
        key: ObjectKey,
        first: bytes,
        rest: AsyncIterator[bytes],
        info_of: Callable[[ObjectKey, int, bytes], ObjectInfo],
    ) -> Kept:
        """Write an instance down to learn how long it is, and keep it unless it is too long for that."""
        file = await asyncio.to_thread(tempfile.TemporaryFile)
        size = await asyncio.to_thread(file.write, first)
        async for chunk in rest:
            size += await asyncio.to_thread(file.write, chunk)
        await asyncio.to_thread(file.flush)
        kept = Kept(info_of(key, size, first), file, self._clock())
        if size <= self.largest:
            self._held.pop(key, None)
            self._held[key] = kept
            self._drop_old()
        return kept

    def clear(self) -> None:
        """Let go of everything."""
        self._held.clear()

    def _drop_old(self) -> None:
        now = self._clock()
        for key, kept in list(self._held.items()):
            total = sum(one.info.size for one in self._held.values())
            if now - kept.since <= self._seconds and total <= self._most:
                break
            del self._held[key]
