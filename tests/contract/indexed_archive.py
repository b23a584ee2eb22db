"""Archives in memory that are searched with the help of a search index, which is brought up before each search."""

from __future__ import annotations

from shared.backends.indexed_search import IndexedStudySearch
from shared.backends.memory.checkpoints import MemoryCheckpoints
from shared.backends.memory.feed import MemoryChangeFeed
from shared.backends.memory.index import MemoryIndex
from shared.backends.memory.search import MemorySearch
from shared.dicom.index.policy import IndexPolicy
from shared.dicom.query import Query
from shared.flows.update_search import SearchUpdatePorts, update_search
from shared.ports.archive import InstanceIndex
from shared.records import SearchPage
from tests.contract.records import Archive, OpenArchive
from tests.contract.search_engine import Cluster

_PATIENCE_SECONDS = 60


class _UpToDateSearch:
    def __init__(self, search: IndexedStudySearch, ports: SearchUpdatePorts, cluster: Cluster) -> None:
        self._search = search
        self._ports = ports
        self._cluster = cluster

    async def search(self, query: Query) -> SearchPage:
        assert await update_search(self._ports, seconds=_PATIENCE_SECONDS)
        await self._cluster.settle()
        return await self._search.search(query)


def archives_with_index(cluster: Cluster, policy: IndexPolicy) -> OpenArchive:
    """Return what opens archives of one feed, which that index follows."""
    feed = MemoryChangeFeed()
    indices: dict[str, MemoryIndex] = {}
    engine = cluster.engine(policy.fingerprint)

    async def open_partition(name: str) -> tuple[InstanceIndex, IndexPolicy]:
        return indices[name], policy

    ports = SearchUpdatePorts(feed, MemoryCheckpoints(), engine, open_partition)

    async def open_archive(partition: str) -> Archive:
        index = indices[partition] = MemoryIndex(partition, feed)
        indexed = IndexedStudySearch(MemorySearch(index), engine, policy, partition, always=True)
        return Archive(partition, index, index, _UpToDateSearch(indexed, ports, cluster), feed)

    return open_archive
