"""Fetch several instances at a time, and look at each before it is stored. It stores nothing."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import Final

from shared.dicom.references import InstanceRef
from shared.errors import (
    AppError,
    DamagedDicomError,
    ObjectChangedError,
    RejectedInstanceError,
    SourceRefusedError,
    SourceUnavailableError,
)
from shared.flows._instance_record import identify
from shared.flows._leading_header import read_leading_header
from shared.ports.imports import ImportSource, SourceInstance

_PATIENT_ID: Final = 0x0010_0020


class Fetched:
    """An instance on its way, as a part of a store request: its first piece is in hand."""

    headers: Final[Mapping[str, str]] = {}

    def __init__(
        self, instance: SourceInstance, first: bytes, rest: AsyncIterator[bytes], slots: asyncio.Semaphore
    ) -> None:
        self.instance = instance
        self.ref: InstanceRef | None = instance.ref
        self.mismatch = ""
        self.size = 0
        self.broken: SourceUnavailableError | SourceRefusedError | None = None
        """Why its bytes ended early."""
        self._first = first
        self._rest = rest
        self._slots = slots
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The digest of what was read, in hexadecimal."""
        return self._digest.hexdigest()

    async def look(self, source: ImportSource) -> None:
        """Find out which instance it is, and whether it is the one that was asked for."""

        async def fetch(start: int, end: int) -> bytes:
            return self._first[start:end]

        try:
            header = await read_leading_header(fetch, self._first)
            ref = identify(header).ref
        except (RejectedInstanceError, ObjectChangedError):
            return  # storing it says why, in its own words
        self.ref = ref
        self.mismatch = source.mismatch(self.instance, ref, header.text(_PATIENT_ID) or "")

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield its bytes, once; their number is held against what the source said."""
        first, self._first = self._first, b""
        self._take(first)
        yield first
        del first
        try:
            async for piece in self._rest:
                self._take(piece)
                yield piece
        except (SourceUnavailableError, SourceRefusedError) as error:
            self.broken = error
            raise
        said = self.instance.size
        if said not in (None, self.size):
            raise DamagedDicomError(f"The source said {said} bytes, but {self.size} came.")

    async def close(self) -> None:
        """Let go of what was not read, and of its place among those under way. Called once."""
        self._first = b""
        self._slots.release()
        if (aclose := getattr(self._rest, "aclose", None)) is not None:
            await aclose()

    def _take(self, piece: bytes) -> None:
        self.size += len(piece)
        self._digest.update(piece)


type Failure = tuple[SourceInstance, AppError]


async def fetch_all(
    instances: Iterable[SourceInstance],
    source: ImportSource,
    *,
    limit: int,
    slots: asyncio.Semaphore,
    go_on: Callable[[], bool],
) -> AsyncGenerator[Fetched | Failure]:
    """Yield instances as they come, until *go_on* says no; a slow one holds up none.

    Args:
        instances: What to fetch.
        source: From where.
        limit: How many of them may be under way.
        slots: How many of this process may be, of all studies together: each may hold 4 MiB.
        go_on: Whether to begin another one.
    """
    waiting = iter(instances)
    tasks: dict[asyncio.Task[Fetched], SourceInstance] = {}

    def begin() -> None:
        for instance in _some(waiting, limit - len(tasks)) if go_on() else ():
            tasks[asyncio.create_task(_fetched(instance, source, slots))] = instance

    try:
        begin()
        while tasks:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                instance = tasks.pop(task)
                try:
                    fetched = task.result()
                except (SourceUnavailableError, SourceRefusedError) as error:
                    yield instance, error
                    continue
                try:
                    yield fetched
                finally:
                    await fetched.close()
            begin()
    finally:
        for task in tasks:
            task.cancel()
        for one in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(one, Fetched):
                await one.close()


async def _fetched(instance: SourceInstance, source: ImportSource, slots: asyncio.Semaphore) -> Fetched:
    await slots.acquire()
    try:
        pieces = source.fetch(instance)
        fetched = Fetched(instance, await anext(pieces, b""), pieces, slots)
        await fetched.look(source)
    except BaseException:
        slots.release()
        raise
    return fetched


def _some(waiting: Iterator[SourceInstance], count: int) -> Iterator[SourceInstance]:
    for _ in range(count):
        instance = next(waiting, None)
        if instance is None:
            return
        yield instance
