"""Bring the search index up to the change feed. It is behind for as long as the engine is down, and nothing waits."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.errors import ConcurrentChangeError
from shared.flows._in_parallel import in_parallel
from shared.flows._search_document import OpenPartition, search_document
from shared.ports.archive import ChangeFeed
from shared.ports.cases import Checkpoints
from shared.ports.search import Generation, IndexedDocument, SearchEngine
from shared.records import Change
from shared.telemetry.tracing import flow

_BATCH: Final = 100
"""Changes between two checkpoints."""
_AT_A_TIME: Final = 8


@dataclass(frozen=True, slots=True)
class SearchUpdatePorts:
    """What an update needs; *open_partition* gives the index of a partition, and what of it may enter the search."""

    feed: ChangeFeed
    checkpoints: Checkpoints
    engine: SearchEngine
    open_partition: OpenPartition


@flow
async def update_search(ports: SearchUpdatePorts, *, seconds: float) -> bool:
    """Take every change since the last update into the search index; return whether the end was reached in time.

    Each build of the index has its own place in the feed, so that a new one is made by beginning at its beginning,
    while the old one answers and is kept up. It answers once it holds everything. A changed instance is written as it
    is now, under the number of its change: whoever writes late, twice or at the same time overwrites nothing newer.

    Raises:
        BackendUnavailableError: The search engine does not answer. What is missing will be made up for.
    """
    end = asyncio.get_running_loop().time() + seconds
    found = await ports.engine.generations()
    building = found.building
    if building is None and (found.serving is None or found.outdated):
        building = await ports.engine.begin_build()
    if found.serving is not None and not found.outdated and not await _follow(found.serving, ports, end):
        return False
    if building is not None:
        if not await _follow(building, ports, end):
            return False
        await ports.engine.promote(building)
    return True


async def _follow(generation: Generation, ports: SearchUpdatePorts, end: float) -> bool:
    """Write what has changed since this build was last written to; return whether the end was reached."""
    name = f"search-{generation.name}-{generation.key}"
    loop = asyncio.get_running_loop()
    while True:
        seen = await ports.checkpoints.get(name)
        changes = await ports.feed.changes(int(seen.value) if seen else 0, _BATCH)
        if not changes:
            return True
        await ports.engine.write(generation, await _documents(changes, ports))
        try:
            await ports.checkpoints.put(name, str(changes[-1].sequence), seen=seen)
        except ConcurrentChangeError:
            # Another worker has written the same, or goes on with it: where it stands is as good.
            continue
        if loop.time() >= end:
            return False


async def _documents(changes: Sequence[Change], ports: SearchUpdatePorts) -> list[IndexedDocument]:
    latest = {(change.partition, change.ref): change for change in changes}

    async def make(change: Change) -> IndexedDocument:
        return await search_document(change.partition, change.ref, change.sequence, ports.open_partition)

    return await in_parallel(make, latest.values(), limit=_AT_A_TIME)
