"""Objects, ledger, index, cases and rejections are reconciled, whatever of them was lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.backends.memory.cases import MemoryCaseIndex
from shared.backends.memory.feed import MemoryChangeFeed
from shared.backends.memory.index import MemoryIndex
from shared.backends.memory.ledger import MemoryObjectLedger
from shared.backends.memory.partitions import MemoryPartitions
from shared.backends.memory.risks import MemoryRisks
from shared.backends.memory.search import MemorySearch
from shared.errors import BackendUnavailableError, ConcurrentChangeError
from shared.flows._reindex_ports import BATCH
from shared.flows.index_instance import index_instance
from shared.flows.reindex import PartitionPorts, Reindexing, ReindexPorts, reindex
from shared.records import LedgerEntry, ObjectInfo, ObjectKey, ObjectState
from tests.unit.flows.builders import make_file
from tests.unit.flows.test_store_case import FILES, REPORT, ports_of, read, store
from tests.unit.flows.world import KilledError, World

HOURS = 3600.0
OLD = datetime(2026, 1, 2, tzinfo=UTC)


def key_of(name: str, container: str = "images") -> ObjectKey:
    """Return the key of an object."""
    return ObjectKey(container, name)


class Reconciled:
    """A world that is reconciled, with the data partitions there are."""

    def __init__(self) -> None:
        self.world = World()
        self.worlds = {"default": self.world}
        self.partitions = MemoryPartitions()

    async def of(self, name: str) -> PartitionPorts:
        """Return the ports of a data partition."""
        world = self.worlds.setdefault(name, World(name, self.world))
        return PartitionPorts(
            name=name,
            watched=("images",) if name == "default" else (),
            indexing=world.index_ports,
            storing=replace(ports_of(world), partition=name),
            summaries=world.port(world.index),
            search=world.port(MemorySearch(world.index)),
            studies=world.port(MemoryRisks(world.index)),
        )

    async def run(self, seconds: float = HOURS, *, force: bool = False, restart: bool = False) -> Reindexing:
        """Reconcile once."""
        checkpoints = self.world.port(self.world.checkpoints)
        objects = self.world.port(self.world.objects)
        ports = ReindexPorts(objects, checkpoints, self.partitions, "archive", "default", self.of)
        return await reindex(ports, seconds=seconds, force=force, restart=restart)

    def drop(self, name: str, data: bytes, container: str = "images", at: datetime = OLD) -> ObjectInfo:
        """Write an object past the archive, long ago."""
        key, objects = key_of(name, container), self.world.objects
        objects.write(key, data)
        stored = objects.objects[key]
        objects.objects[key] = replace(stored, info=replace(stored.info, modified_at=at))
        return objects.objects[key].info

    def states(self) -> dict[str, str]:
        """Return what the ledger of the default partition says, by name."""
        return {key.name: entry.state.value for key, entry in sorted(self.world.ledger.entries.items())}


async def test_every_kind_of_difference_is_found_and_put_right() -> None:
    """New, changed, deleted, cut off, unindexed, orphaned, rejections without an object; the second pass finds none."""
    made = Reconciled()
    world = made.world
    for number in range(1, 7):
        made.drop(f"{number}.dcm", make_file(number))
    made.drop("text", b"no DICOM")
    made.drop("gone text", b"no DICOM")
    for key in list(world.objects.objects):
        await index_instance(key, world.index_ports)
    made.drop("0.dcm", make_file(10))
    made.drop("2.dcm", make_file(12))
    del world.objects.objects[key_of("3.dcm")]
    del world.objects.objects[key_of("gone text")]
    entry = world.ledger.entries[key_of("4.dcm")]
    await world.ledger.put([replace(entry, state=ObjectState.PENDING)])
    entry = world.ledger.entries[key_of("5.dcm")]
    assert entry.ref is not None
    await world.index.remove(entry.ref, entry.key)
    entry = world.ledger.entries.pop(key_of("6.dcm"))
    del world.objects.objects[key_of("6.dcm")]

    found = await made.run()

    expected = {
        "new": 1,
        "changed": 1,
        "deleted": 1,
        "pending": 1,
        "unindexed": 1,
        "rejection": 1,
        "orphaned": 1,
    }
    assert found.drift == expected
    assert found.examples["new"] == ["images/0.dcm"]
    indexed = dict.fromkeys(["0.dcm", "1.dcm", "2.dcm", "4.dcm", "5.dcm"], "indexed")
    assert made.states() == {**indexed, "text": "rejected"}
    assert found.objects == {"indexed": 5, "rejected": 1}
    held = {record.location.key.name for record in world.index.serving_records()}
    assert held == set(indexed)
    assert key_of("images/gone text.json", "rejected") not in world.objects.objects
    again = await made.run()
    assert (again.drift, again.objects, again.done) == ({}, found.objects, True)


async def test_rejections_that_nothing_accounts_for_go() -> None:
    """Whose object is gone, or was taken since, under short names and long; what others keep there stays."""
    made = Reconciled()
    world = made.world
    long = "x" * 500
    for name in ("a", long, "taken"):
        made.drop(name, b"no DICOM")
        await index_instance(key_of(name), world.index_ports)
    rejections = dict(world.objects.objects)
    for name in ("a", long, "taken"):
        del world.objects.objects[key_of(name)]
        await index_instance(key_of(name), world.index_ports)
    made.drop("taken", make_file(1))
    for key, stored in rejections.items():
        if key.container == "rejected":
            world.objects.write(key, stored.data)
    others = {"images/note.json": b"{}", "images/no json.json": b"{", "poison/images/a.json": b"{}"}
    for name, data in others.items():
        made.drop(name, data, "rejected")

    found = await made.run()

    assert found.drift == {"new": 1, "rejection": 3}
    left = {key.name for key in world.objects.objects if key.container == "rejected"}
    assert left == set(others)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("lost", ["ledger", "index", "cases", "all"])
async def test_what_is_lost_comes_back(lost: str, *, force: bool) -> None:
    """Whichever table is gone: dropped and stored objects, replacements' history, cases of each kind are as before."""
    made = Reconciled()
    world = made.world
    names = ["x/2014/S1/L__CC/1.dcm", "a.dcm", "copy of a.dcm", "text"]
    for name, data in zip(names, [make_file(21), make_file(22), make_file(22), b"no DICOM"], strict=True):
        made.drop(name, data)
        await index_instance(key_of(name), world.index_ports)
    await store(world)
    before, cases = world.state(), dict(world.cases._images)
    _lose(lost, world)

    found = await made.run(force=force)

    assert found.drift or force
    after = world.state()
    for what in ("objects", "claims", "ledger", "cases", "current"):
        assert after[what] == before[what], what
    assert dict(world.cases._images) == cases
    assert await read(world) == (FILES, REPORT)
    assert not (await store(world)).created
    assert (await made.run()).drift == {}


def _lose(what: str, world: World) -> None:
    if what in ("ledger", "all"):
        world.ledger = MemoryObjectLedger()
    if what in ("index", "all"):
        world.index = MemoryIndex("default", MemoryChangeFeed())
    if what in ("cases", "all"):
        world.cases = MemoryCaseIndex()
        world.case_sessions = type(world.case_sessions)(world.cases)


async def test_what_a_request_may_be_storing_is_left_alone() -> None:
    """A young object of the archive waits; a session without its manifest always does; force takes the former."""
    made = Reconciled()
    young = datetime.now(UTC)
    made.drop("default/ab/1.2/1.2.3/1.2.3.4.dcm", make_file(1), "archive", young)
    made.drop("default/cases/0123/L__CC.dcm", make_file(2), "archive")

    found = await made.run()
    assert (found.objects, found.drift) == ({"waiting": 2}, {})
    found = await made.run(force=True)
    assert (found.objects, found.drift) == ({"indexed": 1, "waiting": 1}, {"new": 1})


async def test_objects_of_other_partitions_are_theirs() -> None:
    """Also of one that is known by the archive's objects alone, and whatever its name sorts like."""
    made = Reconciled()
    for number, name in enumerate(["default", "default-2", "a", "a0", "z.9"]):
        made.drop(f"{name}/ab/1.2/1.2.3/{number}.dcm", make_file(number + 1), "archive")
    made.drop("stray", b"", "archive")
    made.drop("not a partition/x", b"", "archive")

    found = await made.run()

    assert found.objects == {"indexed": 5}
    assert {name: len(world.index.serving_records()) for name, world in made.worlds.items()} == {
        "default": 1,
        "default-2": 1,
        "a": 1,
        "a0": 1,
        "z.9": 1,
    }
    assert [partition.name for partition in await made.partitions.all()] == ["a", "a0", "default-2", "z.9"]


async def test_forcing_makes_records_anew() -> None:
    """Settled objects are read again; the feed says nothing, and the ledger the same."""
    made = Reconciled()
    made.drop("a.dcm", make_file(1))
    await made.run()
    [record] = made.world.index.serving_records()
    await made.world.index.renew([replace(record, warnings=("old",))])

    assert (await made.run()).drift == {}
    assert made.world.index.serving_records()[0].warnings == ("old",)
    found = await made.run(force=True)
    assert (found.drift, found.objects) == ({}, {"indexed": 1})
    [renewed] = made.world.index.serving_records()
    assert (renewed.warnings, renewed.version) == ((), record.version + 2)
    latest = await made.world.feed.latest()
    assert latest is not None
    assert latest.sequence == 1


@pytest.mark.parametrize("seed", range(3))
async def test_lost_doubled_and_shuffled_events_end_as_the_listing(seed: int) -> None:
    """Of 300 objects every tenth event is lost and every fifth doubled: after one pass each is accounted for."""
    made, order = Reconciled(), random.Random(seed)
    for number in range(300):
        made.drop(f"{number:03}.dcm", make_file(number + 1) if number % 29 else b"no DICOM")
    keys = list(made.world.objects.objects)
    events = [key for number, key in enumerate(keys) if number % 10] + keys[1::5]
    order.shuffle(events)
    for key in events:
        await index_instance(key, made.world.index_ports)

    found = await made.run()

    assert found.drift == {"new": 30}
    assert sum(found.objects.values()) == 300
    assert len(made.world.ledger.entries) == 300
    assert all(made.world.accounted_for(key) for key in keys)
    held = {record.location.key for record in made.world.index.serving_records()}
    assert held == {key for number, key in enumerate(keys) if number % 29}


@pytest.mark.parametrize("error", [KilledError, BackendUnavailableError])
async def test_a_pass_that_is_cut_off_anywhere_goes_on(error: Callable[..., BaseException]) -> None:
    """At any call of a port: the next pass ends where an undisturbed one ends."""

    def prepared() -> Reconciled:
        made = Reconciled()
        made.drop("a.dcm", make_file(1))
        made.drop("2014/S1/L__CC.dcm", make_file(2))
        made.drop("text", b"no DICOM")
        return made

    undisturbed = prepared()
    await undisturbed.run()
    expected = undisturbed.world.state()
    for calls in range(300):
        made = prepared()
        made.world.interrupt(calls, error())
        try:
            await made.run()
        except (KilledError, BackendUnavailableError):
            pass
        else:
            if made.world.calls_left:
                break
        made.world.interrupt(None)
        while not (await made.run()).done:
            pass
        state = made.world.state()
        for what in ("claims", "ledger", "cases", "current", "objects"):
            assert state[what] == expected[what], (calls, what)
    else:
        raise AssertionError("the pass never came to its end")


async def test_slices_add_up() -> None:
    """Each comes on by a batch at least; counts are those of the whole, and the report is kept."""
    made = Reconciled()
    count = 2 * BATCH + 7
    for number in range(count):
        made.drop(f"{number:05}", b"no DICOM")
    slices = 0
    while not (found := await made.run(seconds=0)).done:
        slices += 1
        assert slices < 100

    assert slices > 3
    assert (found.objects, found.drift) == ({"rejected": count}, {"new": count})
    assert list(made.world.checkpoints.rows) == ["reindex-report"]


async def test_only_one_slice_runs_at_a_time() -> None:
    """Whose checkpoint was taken over stops; what it did is no harm."""
    made = Reconciled()
    for number in range(BATCH + 1):
        made.drop(f"{number:05}", b"no DICOM")
    await made.run(seconds=0)
    taken = made.world.checkpoints.rows["reindex"]
    original = made.world.checkpoints.put

    async def overtaken(name: str, value: str, *, seen: object) -> object:
        made.world.checkpoints.rows["reindex"] = replace(taken, revision="other")
        return await original(name, value, seen=seen)  # type: ignore[arg-type]

    made.world.checkpoints.put = overtaken  # type: ignore[method-assign,assignment]
    with pytest.raises(ConcurrentChangeError):
        await made.run()


async def test_a_container_that_is_not_there_is_not_empty() -> None:
    """What the ledger has of it stays, the report says so, and the rest is done."""
    made = Reconciled()
    made.drop("a.dcm", make_file(1))
    await made.run()
    made.world.objects.containers -= {"images"}
    found = await made.run()

    assert found.done
    assert found.missing == ["objects of images"]
    assert made.states() == {"a.dcm": "indexed"}


async def test_one_that_fails_keeps_no_other_waiting() -> None:
    """It is counted, and found again by the next pass."""
    made = Reconciled()
    made.drop("a", make_file(1))
    made.drop("b", make_file(2))
    entry = LedgerEntry(key_of("a"), '"0"', ObjectState.INDEXED)
    original = made.world.objects.read_range

    async def failing(key: ObjectKey, *args: int, if_match: str | None = None) -> object:
        if key.name == "a":
            raise BackendUnavailableError("slow down")
        return await original(key, *args, if_match=if_match)

    made.world.objects.read_range = failing  # type: ignore[method-assign,assignment]
    await made.world.ledger.put([entry])
    found = await made.run()
    assert found.objects == {"failed": 1, "indexed": 1}
    made.world.objects.read_range = original  # type: ignore[method-assign]
    assert (await made.run()).objects == {"indexed": 2}


def test_examples_are_bounded() -> None:
    """The report stays small whatever names people give."""
    from shared.flows._reindex_state import Kind, pack

    state = Reindexing(OLD)
    for kind in Kind:
        for number in range(20):
            state.found(kind, "x" * 1000 + str(number))
    assert len(pack(state)) < 12_000
    assert state.drift["new"] == 20
    assert timedelta(0) < state.updated_at - OLD
