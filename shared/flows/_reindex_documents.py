"""Reconcile the search index with the index, both ways: instances that it lacks, and documents of such as are gone.

What follows the change feed is late, not wrong: an instance whose study is due, or whose change lies before the end of
the feed, is given time to come by that way. What differs then is written as the index has it now, under the number of
the feed's last change, which every later change outranks.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from shared.dicom.index.document import document_id, instance_id
from shared.dicom.references import InstanceRef
from shared.errors import BackendUnavailableError, SettingsError
from shared.flows._in_parallel import in_parallel
from shared.flows._reindex_checks import AT_A_TIME
from shared.flows._reindex_ports import PartitionPorts
from shared.flows._reindex_rows import read_series, written_series
from shared.flows._reindex_state import Kind, Reindexing
from shared.flows._search_document import search_document
from shared.flows.update_search import SearchUpdatePorts, update_search
from shared.ports.search import Generation, IndexedDocument

TOMBSTONE_DAYS: Final = 7
"""That the search index keeps what says that an instance was deleted: far longer than a worker can be late."""
_BATCH: Final = 500
_CATCHING_UP_SECONDS: Final = 60
_ALL: Final = 1_000_000


class _BesideDocuments(ABC):
    """What both directions share. Where the search index cannot be compared now, the report has it as missing."""

    kind: ClassVar[Kind]

    def __init__(self, ports: PartitionPorts, searching: SearchUpdatePorts, state: Reindexing) -> None:
        self._ports = ports
        self._searching = searching
        self._engine = searching.engine
        self._state = state

    async def batches(self, after: str) -> AsyncIterator[str]:
        """Work on what follows *after*; yield the place after each batch."""
        try:
            found = await self._engine.generations()
            if found.serving is not None and not found.outdated:
                async for place in self._walk(found.serving, after):
                    yield place
                return
        except (BackendUnavailableError, SettingsError):
            pass  # nothing else waits for the search index, and the other steps do not either
        name = f"search index of {self._ports.name}"
        if name not in self._state.missing:
            self._state.missing.append(name)

    @abstractmethod
    def _walk(self, generation: Generation, after: str) -> AsyncIterator[str]:
        """Look at every instance, or every document, after a place."""

    @abstractmethod
    async def _differing(self, generation: Generation, refs: Sequence[InstanceRef]) -> list[InstanceRef]:
        """Return those of *refs* of which only one of both is there."""

    async def _held(self, generation: Generation, refs: Iterable[InstanceRef]) -> set[InstanceRef]:
        by_id = {document_id(self._ports.name, ref): ref for ref in refs}
        return {by_id[one] for one in await self._engine.held(generation, list(by_id))}

    async def _take(self, generation: Generation, refs: Sequence[InstanceRef]) -> None:
        """Write those of *refs* anew that differ, and still do when the search index has caught up with the feed."""
        refs = await self._differing(generation, refs)
        due = set(await self._ports.summaries.due(_ALL)) if refs else set()
        refs = [ref for ref in refs if ref.study not in due]
        if not refs:
            return
        if not await update_search(self._searching, seconds=_CATCHING_UP_SECONDS):
            raise BackendUnavailableError("the search index is too far behind the change feed to be compared")
        refs = await self._differing(generation, refs)
        newest = await self._searching.feed.latest()
        version = newest.sequence if newest else 0

        async def make(ref: InstanceRef) -> IndexedDocument:
            return await search_document(self._ports.name, ref, version, self._searching.open_partition)

        documents = await in_parallel(make, refs, limit=AT_A_TIME)
        await self._engine.write(generation, documents, again=True)
        for ref in refs:
            self._state.found(self.kind, instance_id(ref))
        # Another feed's number, above all of this one's, is not overwritten: that takes a new build.
        self._state.failures += len(await self._differing(generation, refs))


class Unsearched(_BesideDocuments):
    """The step over the index: each instance that serves must have a document."""

    kind = Kind.UNSEARCHED

    async def _walk(self, generation: Generation, after: str) -> AsyncIterator[str]:
        batch: list[InstanceRef] = []
        async for claim in self._ports.indexing.index.scan(read_series(after)):
            if len(batch) >= _BATCH and claim.ref.series != batch[-1].series:
                await self._take(generation, batch)
                yield written_series(batch[-1].series)
                batch = []
            if claim.serves:
                batch.append(claim.ref)
        await self._take(generation, batch)

    async def _differing(self, generation: Generation, refs: Sequence[InstanceRef]) -> list[InstanceRef]:
        held = await self._held(generation, refs)
        return [ref for ref in refs if ref not in held]


class Unindexed(_BesideDocuments):
    """The step over the documents: each must be of an instance that serves. Old marks of deletions go after it."""

    kind = Kind.DOCUMENT

    async def _walk(self, generation: Generation, after: str) -> AsyncIterator[str]:
        last = InstanceRef(*after.split("/")) if after else None
        await self._engine.settle(generation)
        while page := await self._engine.listed(generation, self._ports.name, last, _BATCH):
            await self._take(generation, page)
            last = page[-1]
            yield instance_id(last)
        day = datetime.now(UTC) - timedelta(days=TOMBSTONE_DAYS)
        await self._engine.purge(generation, day.strftime("%Y%m%d"))

    async def _differing(self, generation: Generation, refs: Sequence[InstanceRef]) -> list[InstanceRef]:
        serving: set[InstanceRef] = set()
        for series in dict.fromkeys(ref.series for ref in refs):
            async for claim in self._ports.indexing.index.claims_in(series):
                if claim.serves:
                    serving.add(claim.ref)
        gone = [ref for ref in refs if ref not in serving]
        held = await self._held(generation, gone)
        return [ref for ref in gone if ref in held]
