"""Which clinical case an instance is put under that was stored by DICOMweb: its attributes say it."""

import itertools
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from shared.dicom.references import StudyRef
from shared.flows.delete_instances import DeletePorts, delete_instances
from shared.flows.store_instances import StoreRequest, store_instances
from shared.records import CaseQuery, InstanceRecord
from tests.unit.flows.builders import STUDY, make_file
from tests.unit.flows.world import KilledError, World

SEEN: dict[str, Any] = {"PatientID": "P1", "StudyDate": "20140512", "ViewPosition": "CC", "Modality": "MG"}
LEFT, RIGHT = (make_file(number, ImageLaterality=side, **SEEN) for number, side in ((1, "L"), (2, "R")))
LEFT_AGAIN = make_file(1, ImageLaterality="L", **SEEN | {"ViewPosition": "MLO"})
CT = make_file(3)


class Sent:
    """A part of a request."""

    headers: Final[dict[str, str]] = {}

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield its content."""
        yield self._data


async def store(world: World, *files: bytes, **how: Any) -> None:
    """Store instances in one request."""

    async def parts() -> AsyncIterator[Sent]:
        for data in files:
            yield Sent(data)

    await store_instances(parts(), StoreRequest("http://x/dicomweb", **how), world.store_ports)


async def cases_of(world: World) -> list[tuple[str, str, dict[str, int]]]:
    """Return the cases that are listed, with their views."""
    page = await world.cases.page(CaseQuery(limit=10))
    return [(case.year, case.case_id, dict(case.views)) for case in page]


async def serving(world: World) -> list[InstanceRecord]:
    """Return what serves each image of the case."""
    return [await world.index.get(image.ref) for image in await world.cases.images_of("2014", "P1")]


async def test_stored_mammograms_are_put_under_their_case() -> None:
    """C000-1: whatever way they came; of others no case is made. Deleted, they are gone from it."""
    world = World()
    await store(world, LEFT, RIGHT, CT)
    assert await cases_of(world) == [("2014", "P1", {"L__CC": 1, "R__CC": 1})]
    assert {record.location.key for record in await serving(world)} == {
        image.key for image in await world.cases.images_of("2014", "P1")
    }
    ports = DeletePorts(
        world.objects, world.index, world.ledger, world.cases, world.queue, read_only_containers=frozenset()
    )
    await delete_instances(StudyRef(STUDY), ports)
    assert await cases_of(world) == []


async def test_an_instance_that_replaces_another_takes_its_place() -> None:
    """Under the view that it shows now; what it replaced is kept, and is no duplicate of it."""
    world = World()
    await store(world, LEFT)
    await store(world, LEFT_AGAIN, duplicates="replace")
    assert await cases_of(world) == [("2014", "P1", {"L__MLO": 1})]
    [record] = await serving(world)
    [image] = await world.cases.images_of("2014", "P1")
    assert (image.key, record.generation) == (record.location.key, 1)


@pytest.mark.parametrize("how", [{}, {"duplicates": "replace"}], ids=["new", "replaced"])
async def test_a_request_that_is_sent_again_after_a_kill_ends_as_one(how: dict[str, Any]) -> None:
    """At whatever call of a port it died."""
    whole = World()
    if how:
        await store(whole, LEFT)
    await store(whole, LEFT_AGAIN, RIGHT, **how)
    expected = await cases_of(whole)
    for calls in itertools.count():
        world = World()
        if how:
            await store(world, LEFT)
        world.interrupt(calls)
        try:
            await store(world, LEFT_AGAIN, RIGHT, **how)
        except KilledError:
            world.interrupt(None)
            await store(world, LEFT_AGAIN, RIGHT, **how)
            assert await cases_of(world) == expected, calls
            continue
        break
