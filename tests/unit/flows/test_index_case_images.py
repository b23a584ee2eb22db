"""Which clinical case an object is put under when it is looked at, and that it leaves the one before."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from shared.flows._case_name import CasePatterns
from shared.flows.index_instance import index_instance
from shared.records import CaseQuery, ObjectKey
from tests.unit.flows.builders import make_file
from tests.unit.flows.world import KilledError, World

KEY = ObjectKey("images", "upload 17.dcm")
SEEN: dict[str, Any] = {
    "ImageLaterality": "L",
    "ViewPosition": "CC",
    "StudyDate": "20140512",
    "Modality": "MG",
}
CONTENTS: dict[str, bytes | None] = {
    "case A": make_file(PatientID="A", **SEEN),
    "case B": make_file(PatientID="B", **SEEN),
    "case A, other view": make_file(PatientID="A", **SEEN | {"ImageLaterality": "R"}),
    "no case": make_file(),
    "gone": None,
}


async def become(world: World, content: bytes | None) -> None:
    """Let the object be this, and look at it."""
    if content is None:
        world.objects.objects.pop(KEY, None)
    else:
        world.objects.write(KEY, content)
    await index_instance(KEY, world.index_ports)


async def cases_of(world: World) -> list[tuple[str, str, dict[str, int]]]:
    """Return the cases that are listed, with their views."""
    return [
        (case.year, case.case_id, dict(case.views)) for case in await world.cases.page(CaseQuery(limit=10))
    ]


async def test_attributes_say_it_where_the_name_does_not() -> None:
    """C000-1: an object of any name is found by its PatientID and the year of its study."""
    world = World()
    await become(world, CONTENTS["case A"])
    [image] = await world.cases.images_of("2014", "A")
    assert (image.key, image.view) == (KEY, "L__CC")
    assert world.ledger.entries[KEY].case is not None


async def test_the_name_goes_before_the_attributes() -> None:
    """C000-1: the forerunner's layout is kept whatever the files say, and the pattern is a setting."""
    world, key = World(), ObjectKey("images", "x/2015/S7/R__MLO/1.dcm")
    world.objects.write(key, CONTENTS["case A"] or b"")
    await index_instance(key, world.index_ports)
    assert await cases_of(world) == [("2015", "S7", {"R__MLO": 1})]

    other = World()
    other.objects.write(key, CONTENTS["case A"] or b"")
    patterns = CasePatterns(case_id=r"x/(\d+)/", year=r"/(2015)/")
    await index_instance(key, replace(other.index_ports, case_patterns=patterns))
    assert await cases_of(other) == [("2015", "2015", {"R__MLO": 1})]


@pytest.mark.parametrize(("before", "after"), list(itertools.product(CONTENTS, CONTENTS)))
async def test_an_object_is_in_the_case_that_it_names_now_and_in_no_other(before: str, after: str) -> None:
    """C000-2: replaced or deleted, it has left the case it was in, wherever the process was killed meanwhile."""
    fresh = World()
    await become(fresh, CONTENTS[after])
    expected = await cases_of(fresh)
    for calls in itertools.count():
        world = World()
        await become(world, CONTENTS[before])
        world.interrupt(calls)
        try:
            await become(world, CONTENTS[after])
        except KilledError:
            world.interrupt(None)
            await index_instance(KEY, world.index_ports)
            assert await cases_of(world) == expected
            continue
        assert await cases_of(world) == expected
        break
