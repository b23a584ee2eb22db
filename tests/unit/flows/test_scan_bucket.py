"""A store that tells nobody of changes is compared with the ledger."""

import asyncio

import pytest

from shared.errors import BackendUnavailableError, ObjectNotFoundError
from shared.flows.index_instance import index_instance
from shared.flows.scan_bucket import ScanPorts, scan_bucket
from shared.records import ObjectKey, ObjectState
from tests.unit.flows.builders import make_file
from tests.unit.flows.world import World

HOURS = 3600.0


class Scanned:
    """A world whose container `images` is scanned, and what was looked at."""

    def __init__(self) -> None:
        self.world = World()
        self.looked_at: list[str] = []
        self.failing: set[str] = set()

    async def look(self, key: ObjectKey) -> None:
        """Index, or fail as a store that does not answer."""
        self.looked_at.append(key.name)
        if key.name in self.failing:
            raise BackendUnavailableError("slow down")
        await index_instance(key, self.world.index_ports)

    async def scan(self, seconds: float = HOURS) -> bool:
        """Scan once, beginning with nothing looked at."""
        self.looked_at.clear()
        world = self.world
        ports = ScanPorts(world.objects, world.ledger, world.checkpoints, self.look)
        return await scan_bucket("images", ports, seconds=seconds)

    def drop(self, name: str, data: bytes) -> None:
        """Write an object past the archive."""
        self.world.objects.write(ObjectKey("images", name), data)

    def remove(self, name: str) -> None:
        """Remove one past the archive."""
        del self.world.objects.objects[ObjectKey("images", name)]

    @property
    def states(self) -> dict[str, ObjectState]:
        """What the ledger says, by name."""
        return {key.name: entry.state for key, entry in self.world.ledger.entries.items()}


async def test_new_replaced_and_vanished_objects_are_found() -> None:
    """And nothing else is looked at."""
    scanned = Scanned()
    for number in range(1, 6):
        scanned.drop(f"{number}.dcm", make_file(number))
    scanned.drop("text", b"no DICOM")
    assert await scanned.scan()
    assert scanned.looked_at == ["1.dcm", "2.dcm", "3.dcm", "4.dcm", "5.dcm", "text"]
    assert await scanned.scan()
    assert scanned.looked_at == []

    scanned.drop("0.dcm", make_file(6))
    scanned.drop("2.dcm", make_file(7))
    scanned.remove("4.dcm")
    scanned.remove("text")
    assert await scanned.scan()

    assert scanned.looked_at == ["0.dcm", "2.dcm", "4.dcm", "text"]
    indexed = ObjectState.INDEXED
    assert scanned.states == dict.fromkeys(["0.dcm", "1.dcm", "2.dcm", "3.dcm", "5.dcm"], indexed)
    assert await scanned.scan()
    assert scanned.looked_at == []


async def test_an_object_whose_handling_was_cut_off_is_looked_at_again() -> None:
    """The ledger says pending, and the etag is the same."""
    scanned = Scanned()
    scanned.drop("a", make_file(1))
    scanned.world.interrupt(4, BackendUnavailableError("gone"))
    await scanned.scan()
    assert scanned.states == {"a": ObjectState.PENDING}
    scanned.world.interrupt(None)
    await scanned.scan()

    assert scanned.states == {"a": ObjectState.INDEXED}


async def test_one_that_fails_keeps_no_other_waiting() -> None:
    """It is left to the next scan, and does not end this one."""
    scanned = Scanned()
    scanned.failing = {"a"}
    scanned.drop("a", make_file(1))
    scanned.drop("b", make_file(2))
    assert await scanned.scan()
    assert scanned.states == {"b": ObjectState.INDEXED}
    scanned.failing = set()
    assert await scanned.scan()

    assert scanned.looked_at == ["a"]


@pytest.mark.parametrize("settled_before", [False, True])
async def test_a_scan_out_of_time_goes_on_where_it_stopped(*, settled_before: bool) -> None:
    """Each scan comes on by a batch at least, and together they reach the end, changed or not."""
    scanned = Scanned()
    names = [f"{number:04}" for number in range(200)]
    for name in names:
        scanned.drop(name, b"no DICOM")
    if settled_before:
        assert await scanned.scan()
    seen, scans = [], 0
    for _ in range(1000):
        done = await scanned.scan(seconds=0)
        seen += scanned.looked_at
        scans += 1
        if done:
            break

    assert scans > 1
    assert seen == ([] if settled_before else names)
    assert scanned.world.checkpoints.rows == {}


async def test_two_scans_at_once_do_each_other_no_harm() -> None:
    """Whichever notes where it stopped."""
    scanned = Scanned()
    for number in range(100):
        scanned.drop(f"{number:04}", b"no DICOM")
    results = await asyncio.gather(scanned.scan(seconds=0), scanned.scan(seconds=0))

    assert list(results) == [False, False]
    assert await scanned.scan()
    assert set(scanned.states.values()) == {ObjectState.REJECTED}
    assert len(scanned.states) == 100


async def test_a_container_that_is_not_there_is_an_error() -> None:
    """It is no empty one: else every object would be taken for vanished."""
    world = World()
    ports = ScanPorts(world.objects, world.ledger, world.checkpoints, Scanned().look)
    with pytest.raises(ObjectNotFoundError):
        await scan_bucket("no-such-container", ports, seconds=HOURS)
