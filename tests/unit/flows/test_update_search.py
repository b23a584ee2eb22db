"""The search index follows the archive: it may be late, but never wrong, and nothing waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from shared.backends.memory.index import MemoryIndex
from shared.backends.memory.search_engine import MemoryCluster, MemorySearchEngine
from shared.dicom.index.policy import IndexPolicy
from shared.dicom.index.query import Everything, exactly
from shared.dicom.references import InstanceRef
from shared.errors import BackendUnavailableError, ObjectNotFoundError
from shared.flows.update_search import SearchUpdatePorts, update_search
from shared.ports.archive import InstanceIndex
from shared.ports.search import Generation, IndexedDocument, IndexRequest
from shared.records import InstanceRecord
from tests.contract.records import a_record, an_instance
from tests.unit.flows.world import World

LONG = 1000.0
PLAIN = IndexPolicy("plain")


def _ref(number: int) -> InstanceRef:
    return an_instance("1.2", "1.2.3", f"1.2.3.{number}")


def _record(number: int, patient: str = "X", age: int = 0) -> InstanceRecord:
    return a_record(
        _ref(number),
        attributes={"00100020": {"vr": "LO", "Value": [patient]}},
        age=age,
        etag=f'"{patient}"',
    )


class _Searched:
    """An archive in memory, and the engine that is to follow it."""

    def __init__(self) -> None:
        self.world = World()
        self.worlds = {"default": self.world}
        self.cluster = MemoryCluster()
        self.engine = MemorySearchEngine("plain", self.cluster)

    def ports(self, **other: Any) -> SearchUpdatePorts:
        async def open_partition(name: str) -> tuple[InstanceIndex, IndexPolicy]:
            return self.worlds[name].index, PLAIN

        given: dict[str, Any] = {
            "feed": self.world.feed,
            "checkpoints": self.world.checkpoints,
            "engine": self.engine,
            "open_partition": open_partition,
        }
        return SearchUpdatePorts(**(given | other))

    async def put(self, *records: InstanceRecord, partition: str = "default") -> None:
        index = self.worlds[partition].index
        await index.put(list(records))
        await _refresh(index)

    async def found(self, patient: str | None = None, partition: str = "default") -> list[InstanceRef]:
        clause = Everything() if patient is None else exactly(f"00100020={patient}")
        return [hit.ref for hit in (await self.engine.find(partition, IndexRequest(clause, 1000))).hits]


async def _refresh(index: MemoryIndex) -> None:
    for study in await index.due(1000):
        await index.refresh(study)


@pytest.fixture
def searched() -> _Searched:
    """Return an empty archive and an engine."""
    return _Searched()


async def test_the_index_follows_the_archive(searched: _Searched) -> None:
    """What is stored, changed and deleted is found as it is after the next update, of every partition."""
    await searched.put(_record(1), _record(2))
    searched.worlds["other"] = World("other", searched.world)
    await searched.put(_record(9), partition="other")
    assert await update_search(searched.ports(), seconds=LONG)
    assert await searched.found() == [_ref(1), _ref(2)]
    assert await searched.found(partition="other") == [_ref(9)]

    await searched.world.index.remove(_ref(2), _record(2).location.key)
    await searched.put(_record(1, "Y"), _record(3))
    assert await update_search(searched.ports(), seconds=LONG)
    assert await searched.found() == [_ref(1), _ref(3)]
    assert await searched.found("X") == [_ref(3)]
    assert await searched.found("Y") == [_ref(1)]


async def test_nothing_is_written_twice(searched: _Searched) -> None:
    """Where nothing has changed, nothing is read of the archive and nothing written to the index."""
    await searched.put(_record(1))
    await update_search(searched.ports(), seconds=LONG)
    searched.engine.write = _refuse  # type: ignore[method-assign,assignment]  # to see whether it is called

    assert await update_search(searched.ports(), seconds=LONG)


async def _refuse(_generation: Generation, _documents: Sequence[IndexedDocument]) -> None:
    raise BackendUnavailableError("the engine is down")


async def test_an_engine_that_is_down_is_made_up_for(searched: _Searched) -> None:
    """While the engine refuses, instances are taken as ever; afterwards all of them are found."""
    await searched.put(_record(1))
    await update_search(searched.ports(), seconds=LONG)
    working, searched.engine.write = searched.engine.write, _refuse  # type: ignore[method-assign,assignment]  # as above
    for number in range(2, 8):
        await searched.put(_record(number))
        with pytest.raises(BackendUnavailableError):
            await update_search(searched.ports(), seconds=LONG)

    searched.engine.write = working  # type: ignore[method-assign]  # as above
    await update_search(searched.ports(), seconds=LONG)
    assert await searched.found() == [_ref(number) for number in range(1, 8)]


async def test_an_update_goes_on_where_the_last_one_stopped(searched: _Searched) -> None:
    """Without time left an update still takes a part, says that there is more, and does not let half an index answer."""
    await searched.put(*(_record(number) for number in range(1, 251)))
    assert not await update_search(searched.ports(), seconds=0)
    with pytest.raises(BackendUnavailableError):
        await searched.found()

    updates = 1
    while not await update_search(searched.ports(), seconds=0):
        updates += 1
    assert updates == 3
    assert len(await searched.found()) == 250


async def test_updates_at_once_do_no_harm(searched: _Searched) -> None:
    """However many workers update while the archive changes, the index ends as the archive is."""
    await searched.put(*(_record(number) for number in range(1, 130)))
    updates = [asyncio.ensure_future(update_search(searched.ports(), seconds=LONG)) for _ in range(4)]
    for number in range(1, 40):
        await asyncio.sleep(0)
        await searched.put(_record(number, "Y"))
        await searched.world.index.remove(_ref(number + 60), _record(number + 60).location.key)
        await _refresh(searched.world.index)
    await asyncio.gather(*updates)
    await update_search(searched.ports(), seconds=LONG)

    assert sorted(await searched.found("Y")) == sorted(_ref(number) for number in range(1, 40))
    kept = {*range(40, 61), *range(100, 130)}
    assert sorted(await searched.found("X")) == sorted(_ref(number) for number in kept)


async def test_a_worker_who_was_stopped_in_the_middle_overwrites_nothing(searched: _Searched) -> None:
    """A worker that read an instance before it changed, and writes after another wrote the change, is passed over."""
    await searched.put(_record(1))
    await update_search(searched.ports(), seconds=LONG)
    await searched.put(_record(1, "Y"))
    stopped, go_on = asyncio.Event(), asyncio.Event()
    engine = _Slow(searched.engine, stopped, go_on)
    late = asyncio.ensure_future(update_search(searched.ports(engine=engine), seconds=LONG))
    await stopped.wait()
    await searched.put(_record(1, "Z"))
    await update_search(searched.ports(), seconds=LONG)
    assert await searched.found("Z") == [_ref(1)]

    go_on.set()
    await late
    assert await searched.found("Z") == [_ref(1)]
    assert await searched.found("Y") == []


class _Slow:
    """An engine whose first write waits."""

    def __init__(self, engine: MemorySearchEngine, stopped: asyncio.Event, go_on: asyncio.Event) -> None:
        self._engine = engine
        self._stopped = stopped
        self._go_on = go_on

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def write(self, generation: Generation, documents: Sequence[IndexedDocument]) -> None:
        if not self._stopped.is_set():
            self._stopped.set()
            await self._go_on.wait()
        await self._engine.write(generation, documents)


async def test_another_policy_builds_the_index_anew(searched: _Searched) -> None:
    """After the policy changed nothing is answered by the old index, and the new one holds everything."""
    await searched.put(*(_record(number) for number in range(1, 150)))
    await update_search(searched.ports(), seconds=LONG)
    old, searched.engine = searched.engine, MemorySearchEngine("hashed", searched.cluster)
    with pytest.raises(BackendUnavailableError):
        await searched.found()
    assert not await update_search(searched.ports(), seconds=0)
    with pytest.raises(BackendUnavailableError):
        await searched.found()

    assert await update_search(searched.ports(), seconds=LONG)
    assert len(await searched.found()) == 149
    searched.engine = old
    with pytest.raises(BackendUnavailableError):
        await searched.found()


async def test_a_new_build_answers_when_it_has_caught_up(searched: _Searched) -> None:
    """While the index is built anew the old one answers and follows; the new one takes over with all of it."""
    await searched.put(*(_record(number) for number in range(1, 150)))
    await update_search(searched.ports(), seconds=LONG)
    await searched.engine.begin_build()
    await searched.put(_record(150))
    assert not await update_search(searched.ports(), seconds=0)
    assert len(await searched.found()) == 150

    assert await update_search(searched.ports(), seconds=LONG)
    assert (await searched.engine.generations()).building is None
    assert len(await searched.found()) == 150


async def test_one_instance_that_cannot_be_read_keeps_no_other_back(searched: _Searched) -> None:
    """Of an instance whose record is lost the index says only that it is there."""
    await searched.put(_record(1), _record(2))
    index = _Lossy(searched.world.index)

    async def open_partition(_name: str) -> tuple[Any, IndexPolicy]:
        return index, PLAIN

    await update_search(searched.ports(open_partition=open_partition), seconds=LONG)
    assert await searched.found() == [_ref(1), _ref(2)]
    assert await searched.found("X") == [_ref(2)]


class _Lossy:
    def __init__(self, index: MemoryIndex) -> None:
        self._index = index

    async def get(self, ref: InstanceRef) -> InstanceRecord:
        if ref == _ref(1):
            raise ObjectNotFoundError("its metadata has gone")
        return await self._index.get(ref)
