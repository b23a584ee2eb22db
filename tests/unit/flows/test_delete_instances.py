"""What deleting leaves: nothing, or everything."""

import contextlib
import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.errors import (
    BackendUnavailableError,
    InstanceNotFoundError,
    ObjectChangedError,
    ReadOnlyError,
    SeriesNotFoundError,
    StudyNotFoundError,
)
from shared.flows._archive_key import archive_key
from shared.flows.delete_instances import DeletePorts, delete_instances
from shared.flows.index_instance import index_instance
from shared.records import ObjectKey
from tests.unit.flows.builders import SERIES, STUDY, make_file
from tests.unit.flows.world import KilledError, World

FILES = {
    ObjectKey("images", f"x/2014/S1/L__CC/{series}/{number}"): make_file(number, series=f"1.2.3.{series}")
    for series in (1, 2)
    for number in (1, 2)
}
REF = InstanceRef(STUDY, SERIES, f"{SERIES}.1")


def ports_of(world: World, *read_only: str) -> DeletePorts:
    """Return what delete_instances takes."""
    return DeletePorts(
        objects=world.port(world.objects),
        index=world.port(world.index),
        ledger=world.port(world.ledger),
        cases=world.port(world.cases),
        queue=world.port(world.queue),
        read_only_containers=frozenset(read_only),
        archive_container="archive",
        derived_container="derived",
    )


async def archive() -> World:
    """Return an archive of two series of two instances, one of them twice."""
    world = World()
    for key, data in [*FILES.items(), (ObjectKey("images", "copy"), make_file(1))]:
        world.objects.write(key, data)
        await index_instance(key, world.index_ports)
    world.queue.changed_studies.clear()
    return world


@pytest.mark.parametrize(
    ("ref", "deleted", "left", "error"),
    [
        (StudyRef(STUDY), 4, 0, StudyNotFoundError),
        (SeriesRef(STUDY, SERIES), 2, 2, SeriesNotFoundError),
        (REF, 1, 3, InstanceNotFoundError),
    ],
)
async def test_what_is_deleted_is_gone_everywhere_and_not_found_again(
    ref: StudyRef | SeriesRef | InstanceRef, deleted: int, left: int, error: type[Exception]
) -> None:
    """Objects, spares included, rows, ledger and cases; what was not named stays."""
    world = await archive()
    assert await delete_instances(ref, ports_of(world)) == deleted
    assert len(world.index.serving_records()) == left
    assert len(world.objects.objects) == len(world.ledger.entries) == left
    assert len(await world.cases.images_of("2014", "S1")) == left
    assert world.queue.changed_studies == [StudyRef(STUDY)]
    with pytest.raises(error):
        await delete_instances(ref, ports_of(world))


async def test_an_older_version_never_serves_while_an_instance_is_deleted() -> None:
    """Of several objects what serves goes last: the feed has one deletion and no update."""
    world = await archive()
    before = len(await world.feed.changes(0, 99))
    await delete_instances(REF, ports_of(world))
    changes = (await world.feed.changes(0, 99))[before:]
    assert [change.action.value for change in changes] == ["delete"]


@pytest.mark.parametrize("ref", [StudyRef(STUDY), SeriesRef(STUDY, SERIES), REF])
async def test_what_killed_requests_left_of_it_goes_too(ref: StudyRef | SeriesRef | InstanceRef) -> None:
    """Objects of the archive that no row knows, unless they are young enough to be indexed yet, or another's."""
    world = await archive()
    longer = replace(REF, sop_instance_uid=f"{REF.sop_instance_uid}1")
    left = archive_key("archive", "default", REF, 4)
    young = archive_key("archive", "default", REF, 5)
    others = [
        archive_key("archive", "default", replace(REF, study_instance_uid="1.2")),
        archive_key("archive", "other", REF),
        ObjectKey("archive", f"{left.name}.txt"),
    ] + [archive_key("archive", "default", longer)] * isinstance(ref, InstanceRef)
    for key in (left, young, *others):
        info = world.objects.write(key, b"")
        if key != young:
            stored = world.objects.objects[key]
            world.objects.objects[key] = replace(
                stored, info=replace(info, modified_at=info.modified_at - timedelta(hours=1))
            )
    await delete_instances(ref, ports_of(world))
    assert {key for key in world.objects.objects if key.container == "archive"} == {young, *others}


async def test_nothing_is_deleted_if_anything_is_read_only() -> None:
    """Not even the instances that lie elsewhere."""
    world = await archive()
    state = world.state()
    with pytest.raises(ReadOnlyError, match="images"):
        await delete_instances(StudyRef(STUDY), ports_of(world, "images"))
    assert world.state() == state


@pytest.mark.parametrize("ref", [StudyRef(STUDY), REF])
async def test_a_deletion_that_was_killed_at_any_call_can_be_repeated(ref: StudyRef | InstanceRef) -> None:
    """Interrupted before its n-th call of a port and repeated, it ends as one that was not."""
    expected = await archive()
    await delete_instances(ref, ports_of(expected))
    for calls in itertools.count():
        world = await archive()
        world.interrupt(calls)
        try:
            await delete_instances(ref, ports_of(world))
        except KilledError:
            interrupted = True
        else:
            interrupted = False
        world.interrupt(None)
        with contextlib.suppress(StudyNotFoundError, InstanceNotFoundError):
            await delete_instances(ref, ports_of(world))
        for key in list(world.ledger.entries):  # as the events of deleted objects do, or reconciling
            await index_instance(key, world.index_ports)
        assert world.state() == expected.state(), f"interrupted before call {calls + 1}"
        if not interrupted:
            break


async def test_an_object_that_was_replaced_meanwhile_is_not_lost() -> None:
    """Its new content was never asked to be deleted."""
    world = await archive()
    key = next(iter(FILES))
    new = make_file(9)
    world.objects.write(key, new)
    with pytest.raises(ObjectChangedError):
        await delete_instances(REF, ports_of(world))
    assert world.objects.objects[key].data == new


async def test_an_object_that_holds_something_else_by_now_keeps_it() -> None:
    """Of a claim that is out of date only the claim goes."""
    world = await archive()
    key = next(iter(FILES))
    record = await world.index.get(REF)
    world.objects.write(key, make_file(9))
    await index_instance(key, world.index_ports)
    await world.index.put([record])  # a claim that a crash left behind
    await delete_instances(REF, ports_of(world))
    assert key in world.objects.objects
    assert key in world.ledger.entries
    with pytest.raises(InstanceNotFoundError):
        await world.index.get(REF)


class _DeadQueue:
    async def study_changed(self, ref: StudyRef) -> None:
        raise BackendUnavailableError(f"no queue for {ref.study_instance_uid}")


async def test_what_is_deleted_is_deleted_though_the_queue_is_not_there() -> None:
    """The index has noted that the study is due; an error would be answered by another try, which finds nothing."""
    world = await archive()
    assert await delete_instances(StudyRef(STUDY), replace(ports_of(world), queue=_DeadQueue())) == 4
    assert world.objects.objects == {}
