"""What one pass over whole containers leaves and counts, and how it is gone on with."""

import itertools
from collections import Counter
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ConcurrentChangeError, ObjectChangedError
from shared.flows import index_cases as module
from shared.flows._case_name import CasePatterns
from shared.flows.index_cases import CaseIndexingPorts, index_cases
from shared.flows.index_instance import index_instance
from shared.records import CaseQuery, ObjectKey
from tests.unit.flows.builders import make_file
from tests.unit.flows.test_case_name import NAMES, as_the_forerunner
from tests.unit.flows.world import CONTAINERS, KilledError, World

FILES = {
    "x/2014/S1/L__CC/1.dcm": make_file(1),
    "x/2014/S1/L__CC/2.dcm": make_file(2),
    "x/2014/S1/R__CC/1.dcm": make_file(3),
    "x/2014/S10/L__CC/1.dcm": make_file(4),
    "x/2015/S1/L__CC/1.dcm": make_file(5),
    "no case.dcm": make_file(6),
    "of attributes.dcm": make_file(
        7, PatientID="P7", StudyDate="20160203", ImageLaterality="R", ViewPosition="MLO"
    ),
    "x/2014/S2/L__CC/report.txt": b"no DICOM",
}
COUNTS = {
    "names": 8,
    "indexed": 5,
    "by_attributes": 1,
    "unmatched": 1,
    "rejected": 1,
    "duplicates": 1,
    "gone": 0,
    "unsettled": 0,
}
CASES = [
    ("2014", "S1", {"L__CC": 2, "R__CC": 1}),
    ("2014", "S10", {"L__CC": 1}),
    ("2015", "S1", {"L__CC": 1}),
    ("2016", "P7", {"R__MLO": 1}),
]


def a_world() -> World:
    """Return an archive whose container was filled while nobody looked."""
    world = World()
    for name, data in FILES.items():
        world.objects.write(ObjectKey("images", name), data)
    return world


def ports_of(world: World) -> CaseIndexingPorts:
    """Return what index_cases takes."""
    return CaseIndexingPorts(world.index_ports, world.port(world.checkpoints), ("images",))


async def cases_of(world: World) -> list[tuple[str, str, dict[str, int]]]:
    """Return the cases that are listed, with their views."""
    page = await world.cases.page(CaseQuery(limit=10_000))
    return [(case.year, case.case_id, dict(case.views)) for case in page]


async def test_one_listing_indexes_all_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """C000-1: indexed, unmatched and duplicate names of one listing; ids are told apart exactly."""
    world, listings = a_world(), Counter[str]()
    scan = world.objects.scan

    def counted(container: str, **options: str) -> object:
        listings[container] += 1
        return scan(container, **options)

    monkeypatch.setattr(world.objects, "scan", counted)
    state = await index_cases(ports_of(world), seconds=60)
    assert asdict(state.counts) == COUNTS | {"read": 8}
    assert state.done
    assert await cases_of(world) == CASES
    assert listings == {"images": 1}


async def test_what_events_have_indexed_is_not_read_again() -> None:
    """C000-2: a second pass, or the first after events, costs the listing and no object is read."""
    world = a_world()
    for name in FILES:
        await index_instance(ObjectKey("images", name), world.index_ports)
    assert await cases_of(world) == CASES
    world.cases._images.clear()
    state = await index_cases(ports_of(world), seconds=60)
    assert asdict(state.counts) == COUNTS | {"read": 0}
    assert await cases_of(world) == CASES


async def test_a_blob_that_was_added_or_deleted_meanwhile_is_found_or_gone() -> None:
    """C000-2: after one pass, also where its event was lost."""
    world = a_world()
    await index_cases(ports_of(world), seconds=60)
    del world.objects.objects[ObjectKey("images", "x/2014/S1/L__CC/1.dcm")]
    del world.objects.objects[ObjectKey("images", "x/2015/S1/L__CC/1.dcm")]
    world.objects.write(ObjectKey("images", "x/2014/S3/L__MLO/1.dcm"), make_file(8))
    world.objects.write(ObjectKey("images", "x/2014/S10/L__CC/1.dcm"), make_file(4, PatientName="NEW"))
    state = await index_cases(ports_of(world), seconds=60)
    assert (state.counts.read, state.counts.gone, state.counts.duplicates) == (2, 2, 0)
    assert await cases_of(world) == [
        ("2014", "S1", {"L__CC": 1, "R__CC": 1}),
        ("2014", "S10", {"L__CC": 1}),
        ("2014", "S3", {"L__MLO": 1}),
        ("2016", "P7", {"R__MLO": 1}),
    ]


async def test_other_patterns_move_images_to_other_cases() -> None:
    """C000-1: what no longer says its case by name is asked for its attributes; no object is read again."""
    world = a_world()
    await index_cases(ports_of(world), seconds=60)
    patterns = CasePatterns(year=r"/(2015)/", case_id=r"(S\d+)", view=r"(L|R)__(CC|MLO)")
    ports = ports_of(world)
    ports = replace(ports, indexing=replace(ports.indexing, case_patterns=patterns))
    state = await index_cases(ports, seconds=60)
    assert (state.counts.indexed, state.counts.by_attributes, state.counts.read) == (1, 1, 0)
    assert await cases_of(world) == [("2015", "S1", {"L__CC": 1}), ("2016", "P7", {"R__MLO": 1})]
    await index_cases(ports_of(world), seconds=60)
    assert await cases_of(world) == CASES


@pytest.mark.parametrize("what", ["patterns", "containers"])
async def test_a_pass_under_other_rules_begins_anew(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """C000-1: where patterns or containers change half way, nothing stays as the old ones had it."""
    monkeypatch.setattr(module, "_BATCH", 3)
    world = a_world()
    world.objects.write(ObjectKey("archive", "x/2013/S9/L__CC/1.dcm"), make_file(8))
    old = ports_of(world)
    assert not (await index_cases(old, seconds=0)).done
    other = replace(old, indexing=replace(old.indexing, case_patterns=CasePatterns(case_id=r"S(\d+)")))
    new = other if what == "patterns" else replace(old, containers=("archive", "images"))
    state = await index_cases(new, seconds=60)
    assert (state.done, state.counts.names) == (True, len(FILES) + (what == "containers"))
    ids = {case_id for _, case_id, _ in await cases_of(world)}
    assert ids == ({"1", "10", "P7"} if what == "patterns" else {"S1", "S10", "S9", "P7"})


async def test_a_pass_is_gone_on_with_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call does a batch at least, and the counts of the last are those of all."""
    monkeypatch.setattr(module, "_BATCH", 3)
    world, calls = a_world(), 1
    while not (state := await index_cases(ports_of(world), seconds=0)).done:
        calls += 1
        assert calls < 10
    assert calls > 1
    assert asdict(state.counts) == COUNTS | {"read": 8}
    assert await cases_of(world) == CASES
    assert (await index_cases(ports_of(world), seconds=60)).counts.names == 8

    await index_cases(ports_of(world), seconds=0)
    restarted = await index_cases(ports_of(world), seconds=60, restart=True)
    assert restarted.counts.names == 8


async def test_a_pass_that_was_killed_ends_as_if_it_had_not_been(monkeypatch: pytest.MonkeyPatch) -> None:
    """At whatever call of a port: the next request goes on, and nothing is counted twice."""
    monkeypatch.setattr(module, "_BATCH", 3)
    for calls in itertools.count(step=3):
        world = a_world()
        world.interrupt(calls)
        try:
            await index_cases(ports_of(world), seconds=60)
        except KilledError:
            world.interrupt(None)
            state = await index_cases(ports_of(world), seconds=60)
            assert asdict(state.counts) | {"read": 0} == COUNTS | {"read": 0}
            assert await cases_of(world) == CASES
            continue
        break


async def test_two_passes_at_once_are_told() -> None:
    """Or the counts would be of nobody."""
    world = a_world()
    put = world.checkpoints.put

    async def overtaken(name: str, value: str, **seen: object) -> object:
        await put(name, value, seen=await world.checkpoints.get(name))
        return await put(name, value, **seen)  # type: ignore[arg-type] # passed on as it came

    world.checkpoints.put = overtaken  # type: ignore[method-assign,assignment] # another request
    with pytest.raises(ConcurrentChangeError):
        await index_cases(ports_of(world), seconds=60)


async def test_an_object_that_keeps_changing_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted, and its event or the next pass takes it in."""
    world = a_world()
    look = index_instance

    async def changing(key: ObjectKey, ports: object) -> None:
        if key.name == "no case.dcm":
            raise ObjectChangedError("again")
        await look(key, ports)  # type: ignore[arg-type] # passed on as it came

    monkeypatch.setattr(module, "index_instance", changing)
    state = await index_cases(ports_of(world), seconds=60)
    assert (state.counts.unsettled, state.counts.unmatched, state.counts.indexed) == (1, 0, 5)
    assert await cases_of(world) == CASES


@settings(max_examples=60, deadline=None)
@given(st.sets(NAMES.filter(bool), max_size=12))
async def test_the_index_of_any_names_is_that_of_the_forerunner(names: set[str]) -> None:
    """C000-1: (year, id, view) to names, as its three expressions read them; all duplicates are kept."""
    world = World()
    assert "images" in CONTAINERS
    for number, name in enumerate(sorted(names), start=1):
        world.objects.write(ObjectKey("images", name), make_file(number))
    state = await index_cases(ports_of(world), seconds=60)
    expected = [(case, name) for name in sorted(names) if (case := as_the_forerunner(name)) is not None]
    found = [
        (image.year, image.case_id, image.view, image.key.name) for image in world.cases._images.values()
    ]
    assert sorted(found) == sorted((case.year, case.case_id, case.view, name) for case, name in expected)
    distinct = {case for case, _ in expected}
    assert state.counts.indexed == len(expected)
    assert state.counts.duplicates == len(expected) - len(distinct)
    assert state.counts.unmatched == len(names) - len(expected)
