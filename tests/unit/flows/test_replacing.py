"""What storing in place of what is there leaves behind: the new instance serves, and nothing is lost."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.dicom.references import InstanceRef
from shared.dicom.store_response import FailedInstance
from shared.errors import BackendUnavailableError, InstanceNotFoundError, UnsupportedObjectError
from shared.flows._archive_key import archive_key, generation_of
from shared.flows.delete_instances import DeletePorts, delete_instances
from shared.flows.index_instance import index_instance
from shared.flows.store_instances import StoreRequest
from shared.records import ObjectKey, ObjectState
from tests.unit.flows.builders import SERIES, STUDY, make_file
from tests.unit.flows.test_store_instances import KEY, ONE, REF, TWO, URL, large_file, reasons, store
from tests.unit.flows.world import KilledError, World

PUT = StoreRequest(URL, duplicates="replace")
OTHER = make_file(PatientID="P/2#")
LARGE, LARGE_OTHER = large_file(), large_file(fill=8)


def replacement(generation: int, number: int = 1) -> ObjectKey:
    """Return where a generation of an instance lies."""
    return archive_key("archive", "default", InstanceRef(STUDY, SERIES, f"{SERIES}.{number}"), generation)


async def served(world: World) -> bytes:
    """Return the bytes that serve the first instance."""
    record = await world.index.get(REF)
    return world.objects.objects[record.location.key].data


async def history(world: World) -> list[tuple[int, bytes]]:
    """Return generation and bytes of each version, the serving one first, having checked that the ledger has each."""
    versions = [record async for record in world.index.versions_of(REF)]
    for record in versions:
        entry = world.ledger.entries[record.location.key]
        assert (entry.state, entry.etag, entry.ref) == (ObjectState.INDEXED, record.location.etag, REF)
    return [(record.generation, world.objects.objects[record.location.key].data) for record in versions]


@pytest.mark.parametrize(
    ("first", "second"), [(ONE, OTHER), (LARGE, LARGE_OTHER), (ONE, LARGE), (LARGE, ONE)]
)
async def test_a_replacement_serves_and_what_was_there_is_kept(first: bytes, second: bytes) -> None:
    """Both are objects with their rows; the feed has one update more; study and search are asked to follow."""
    world = World()
    await store(world, first)
    world.queue.changed_studies.clear()

    assert reasons(await store(world, second, request=PUT)) == [None]

    assert await served(world) == second
    assert await history(world) == [(1, second), (0, first)]
    assert [change.action.value for change in await world.feed.changes(0, 9)] == ["create", "update"]
    assert world.queue.changed_studies == [REF.study]
    assert sorted(world.objects.objects) == sorted([KEY, replacement(1)])


@pytest.mark.parametrize(("first", "second"), [(ONE, OTHER), (LARGE, LARGE_OTHER)])
async def test_the_same_bytes_replace_nothing(first: bytes, second: bytes) -> None:
    """Not the first time and not later; what was replaced can be brought back by sending it again."""
    world = World()
    for data, generations in ((first, 0), (first, 0), (second, 1), (second, 1), (first, 2)):
        assert reasons(await store(world, data, request=PUT)) == [None]
        assert await served(world) == data
        assert len(await history(world)) == generations + 1
        assert len(world.objects.objects) == generations + 1
        assert len(await world.feed.changes(0, 99)) == generations + 1


@pytest.mark.parametrize("data", [ONE, LARGE])
async def test_what_is_not_there_is_stored_as_ever(data: bytes) -> None:
    """Under the name that it would have had."""
    world = World()
    assert reasons(await store(world, data, request=PUT)) == [None]
    assert list(world.objects.objects) == [KEY]
    assert await history(world) == [(0, data)]


@pytest.mark.parametrize("data", [OTHER, LARGE])
async def test_a_blob_of_a_watched_container_is_replaced_for_good(data: bytes) -> None:
    """Its events, and its later contents, do not take the replacement back; it stays where it is."""
    world, watched = World(), ObjectKey("images", "a.dcm")
    world.objects.write(watched, ONE)
    await index_instance(watched, world.index_ports)

    assert reasons(await store(world, data, request=PUT)) == [None]
    world.objects.write(watched, make_file(PatientID="P/3#"))
    for key in (watched, ObjectKey("images", "copy.dcm")):
        if key not in world.objects.objects:
            world.objects.write(key, ONE)
        await index_instance(key, world.index_ports)

    assert await served(world) == data
    assert len(await history(world)) == 3


async def test_each_of_several_in_one_request_takes_its_place() -> None:
    """One is new, one is there, one is there twice: the later of two serves, the earlier is history."""
    world = World()
    await store(world, ONE, TWO)
    files = [OTHER, make_file(3), TWO, make_file(PatientID="P/3#")]
    assert reasons(await store(world, *files, request=PUT)) == [None] * 4
    assert await history(world) == [(2, files[3]), (1, OTHER), (0, ONE)]
    assert len(world.index.serving_records()) == 3


@pytest.mark.parametrize("makes", [make_file, large_file])
async def test_of_racing_replacements_one_serves_and_the_others_are_history(
    makes: Callable[..., bytes],
) -> None:
    """Whoever is told that its instance is stored finds it among the versions; one that is too large may be refused."""
    for start in ([], [makes()]):
        world = World()
        for data in start:
            await store(world, data)
        files = [makes(PatientID=f"R{number}") for number in range(8)]
        answers = await asyncio.gather(*(store(world, data, request=PUT) for data in files))

        told = [data for data, answer in zip(files, answers, strict=True) if reasons(answer) == [None]]
        assert {str(reason) for answer in answers for reason in reasons(answer)} <= {"None", "45071"}
        assert len(told) == 8 if makes is make_file else told
        versions = await history(world)
        assert sorted(data for _, data in versions) == sorted(start + told)
        assert [generation for generation, _ in versions] == list(range(len(versions)))[::-1]
        assert len(world.objects.objects) == len(versions)


async def test_what_comes_to_serve_between_writing_and_indexing_is_replaced_too() -> None:
    """A blob may land and be indexed just then: the request still ends with its own instance serving."""
    world, watched = World(), ObjectKey("images", "a.dcm")
    world.objects.write(watched, ONE)
    put = world.index.put

    async def late(records: Any, *, if_absent: bool = False) -> Any:
        world.index.put = put  # type: ignore[method-assign] # once only
        await index_instance(watched, world.index_ports)
        return await put(records, if_absent=if_absent)

    world.index.put = late  # type: ignore[method-assign] # a blob that is indexed just before
    assert reasons(await store(world, OTHER, request=PUT)) == [None]
    assert await history(world) == [(1, OTHER), (0, ONE)]
    assert sorted(world.objects.objects) == sorted([watched, replacement(1)])


async def test_a_replacement_that_the_index_refuses_leaves_what_was_there() -> None:
    """And no object of its own."""
    world = World()
    await store(world, ONE)
    put = world.index.put

    async def limited(records: Any, *, if_absent: bool = False) -> Any:
        if any(record.generation for record in records):
            raise UnsupportedObjectError("a table row would be too large")
        return await put(records, if_absent=if_absent)

    world.index.put = limited  # type: ignore[method-assign] # an index with limits
    assert reasons(await store(world, OTHER, request=PUT)) == [290]
    assert await history(world) == [(0, ONE)]
    assert list(world.objects.objects) == [KEY]


@pytest.mark.parametrize("data", [OTHER[:-3], large_file(fill=9)[:-1000]])
async def test_a_damaged_replacement_changes_nothing(data: bytes) -> None:
    """It fails with its reason, and nothing of it is left."""
    world = World()
    await store(world, ONE)
    state = world.state()
    [outcome] = await store(world, data, request=PUT)
    assert isinstance(outcome, FailedInstance)
    assert world.state() == state


@pytest.mark.parametrize("data", [OTHER, LARGE])
async def test_an_instance_whose_object_is_gone_can_be_replaced(data: bytes) -> None:
    """Someone has deleted the blob past the service: what is sent cannot be the same, and serves."""
    world = World()
    await store(world, ONE)
    del world.objects.objects[KEY]
    assert reasons(await store(world, data, request=PUT)) == [None]
    assert await served(world) == data


@pytest.mark.parametrize("data", [OTHER, LARGE])
async def test_what_another_request_left_unindexed_becomes_history(data: bytes) -> None:
    """It was killed between writing and indexing: its object is not lost, and not in the way."""
    world = World()
    await store(world, ONE)
    world.objects.write(replacement(1), TWO_OF_ONE)
    assert reasons(await store(world, data, request=PUT)) == [None]
    assert await history(world) == [(2, data), (1, TWO_OF_ONE), (0, ONE)]


TWO_OF_ONE = make_file(PatientID="P/9#")


@pytest.mark.parametrize("data", [OTHER, LARGE])
async def test_an_unreadable_leftover_makes_room(data: bytes) -> None:
    """Nobody was told that it is stored."""
    world = World()
    await store(world, ONE)
    world.objects.write(replacement(1), LARGE[:-1000])
    assert reasons(await store(world, data, request=PUT)) == [None]
    assert await history(world) == [(1, data), (0, ONE)]


def test_only_the_archive_s_own_names_say_a_generation() -> None:
    """Not those of other containers, of other instances, or of other forms; and no UID is taken for one."""
    for generation in (0, 1, 12):
        assert generation_of(replacement(generation), "archive", REF) == generation
    name = replacement(3).name
    assert generation_of(ObjectKey("images", name), "archive", REF) == 0
    assert generation_of(ObjectKey("archive", f"x/{name}"), "archive", REF) == 0
    assert generation_of(ObjectKey("archive", name.replace("-3", "-03")), "archive", REF) == 0
    assert generation_of(ObjectKey("archive", name.replace("-3", "-3-4")), "archive", REF) == 0
    for other in (replace(REF, sop_instance_uid="1.2"), replace(REF, series_instance_uid="1.2.3.7")):
        assert generation_of(replacement(3), "archive", other) == 0
    longer = replace(REF, sop_instance_uid=f"{REF.sop_instance_uid}.1")
    assert archive_key("archive", "default", longer) != replacement(1)


async def test_a_rebuilt_index_is_the_index() -> None:
    """Looking at every object in any order, as reconciling does, ends with the same versions in the same order."""
    world, watched = World(), ObjectKey("images", "a.dcm")
    world.objects.write(watched, ONE)
    await index_instance(watched, world.index_ports)
    for data in (OTHER, LARGE, ONE):
        await store(world, data, request=PUT)
    expected = await history(world)
    for order in itertools.permutations(world.objects.objects):
        rebuilt = World()
        rebuilt.objects = world.objects
        for key in order:
            await index_instance(key, rebuilt.index_ports)
        assert await history(rebuilt) == expected


def scenario(name: str) -> tuple[list[bytes], list[bytes]]:
    """Return what is there at first and what is then sent with PUT."""
    return {
        "other": ([ONE, TWO], [OTHER, TWO, make_file(3)]),
        "twice": ([ONE], [OTHER, TWO, make_file(PatientID="P/3#")]),
        "large": ([LARGE], [LARGE_OTHER]),
        "watched": ([], [OTHER]),
    }[name]


async def prepared(name: str) -> World:
    """Return an archive as the scenario begins."""
    world = World()
    if name == "watched":
        world.objects.write(ObjectKey("images", "a.dcm"), ONE)
        await index_instance(ObjectKey("images", "a.dcm"), world.index_ports)
    await store(world, *scenario(name)[0])
    return world


@pytest.mark.parametrize("name", ["other", "large", "watched"])
@pytest.mark.parametrize("error", [KilledError(), BackendUnavailableError("slow down")])
async def test_a_replacement_that_failed_at_any_call_and_is_sent_again_ends_as_if_sent_once(
    name: str, error: BaseException
) -> None:
    """Interrupted before its n-th call of a port, for every n: nothing lost, nothing doubled, one update an instance."""
    expected = await prepared(name)
    files = scenario(name)[1]
    assert reasons(await store(expected, *files, request=PUT)) == [None] * len(files)
    actions = [change.action.value for change in await expected.feed.changes(0, 99)]
    for calls in itertools.count():
        world = await prepared(name)
        world.interrupt(calls, error)
        try:
            first = reasons(await store(world, *files, request=PUT))
        except type(error):
            first = []
        world.interrupt(None)
        assert reasons(await store(world, *files, request=PUT)) == [None] * len(files)
        assert world.state() == expected.state(), f"interrupted before call {calls + 1}"
        assert sorted(actions) == sorted(change.action.value for change in await world.feed.changes(0, 99))
        if first == [None] * len(files):
            break
    assert calls > 3


async def test_after_a_kill_at_any_call_one_of_both_serves_and_neither_is_lost() -> None:
    """Before anything is sent again: what was there is there, and what serves is the old or the new, whole."""
    for calls in itertools.count():
        world = await prepared("other")
        world.interrupt(calls)
        try:
            await store(world, OTHER, request=PUT)
        except KilledError:
            done = False
        else:
            done = True
        world.interrupt(None)
        assert await served(world) in (ONE, OTHER)
        assert world.objects.objects[KEY].data == ONE
        if done:
            break


async def test_deleting_an_instance_deletes_its_history() -> None:
    """A patient's data is to go, not its newest version only."""
    world = World()
    await store(world, ONE, TWO)
    await store(world, OTHER, request=PUT)
    await store(world, LARGE, request=PUT)
    ports = DeletePorts(
        objects=world.objects,
        index=world.index,
        ledger=world.ledger,
        cases=world.cases,
        queue=world.queue,
        read_only_containers=frozenset(),
        archive_container="archive",
    )
    assert await delete_instances(REF, ports) == 1
    assert [stored.data for stored in world.objects.objects.values()] == [TWO]
    assert len(world.ledger.entries) == 1
    with pytest.raises(InstanceNotFoundError):
        await world.index.get(REF)
    # And the instance may come again, as a new one.
    assert reasons(await store(world, OTHER)) == [None]
    assert await history(world) == [(0, OTHER)]
