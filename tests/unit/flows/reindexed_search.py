"""A world that is reconciled, with a search index that follows it. Holds no tests itself."""

from __future__ import annotations

from dataclasses import replace

from shared.dicom.index.policy import IndexPolicy
from shared.dicom.index.query import Everything
from shared.dicom.references import InstanceRef
from shared.flows.index_instance import index_instance
from shared.flows.reindex import PartitionPorts
from shared.flows.update_search import SearchUpdatePorts, update_search
from shared.ports.archive import InstanceIndex
from shared.ports.search import Generation, IndexRequest, SearchEngine
from tests.unit.flows.builders import make_file
from tests.unit.flows.test_reindex import Reconciled

PLAIN = IndexPolicy("plain")
LONG = 1000.0


class SearchedWorld(Reconciled):
    """A world with a search index."""

    def __init__(self, engine: SearchEngine) -> None:
        super().__init__()
        self.engine = engine

    @property
    def searching(self) -> SearchUpdatePorts:
        """Return what an update of the search index takes."""

        async def open_partition(name: str) -> tuple[InstanceIndex, IndexPolicy]:
            return self.worlds[name].index, PLAIN

        return SearchUpdatePorts(self.world.feed, self.world.checkpoints, self.engine, open_partition)

    async def of(self, name: str) -> PartitionPorts:
        """Return the ports of a data partition."""
        return replace(await super().of(name), searching=self.searching)

    async def fill(self, *numbers: int) -> None:
        """Index files, and let the search index follow."""
        for number in numbers:
            info = self.drop(f"{number}.dcm", make_file(number))
            await index_instance(info.key, self.world.index_ports)
        await self.published()
        await update_search(self.searching, seconds=LONG)

    async def published(self) -> None:
        """Bring the change feed up to the index."""
        for study in await self.world.index.due(1000):
            await self.world.index.refresh(study)

    async def serving(self) -> Generation:
        """Return the build that answers."""
        found = (await self.engine.generations()).serving
        assert found is not None
        return found

    async def found(self) -> list[InstanceRef]:
        """Return every instance that the search index has."""
        return [hit.ref for hit in (await self.engine.find("default", IndexRequest(Everything(), 1000))).hits]

    async def agrees(self) -> bool:
        """Tell whether the search index has what the index has."""
        return await self.found() == sorted([claim.ref async for claim in self.world.index.scan()])
