"""What looking at an object leaves behind."""

import asyncio
import contextlib
import itertools
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from shared.dicom.references import InstanceRef
from shared.dicom.risk.rules import RiskLevel
from shared.errors import BackendUnavailableError, ObjectChangedError, TransientError, UnsupportedObjectError
from shared.flows._rejected import rejected_key
from shared.flows._risk_policy import RiskPolicy
from shared.flows.index_instance import IndexPorts, index_instance
from shared.records import CaseView, LedgerEntry, ObjectKey, ObjectState, Source
from tests.unit.flows.builders import CT, SERIES, STUDY, make_data_set, make_file, to_file
from tests.unit.flows.world import KilledError, World

KEY = ObjectKey("images", "x/2014/S1/L__CC/a.dcm")
REF = InstanceRef(STUDY, SERIES, f"{SERIES}.1")
OTHER_REF = InstanceRef("1.9", "1.9.1", "1.9.1.1")
ONE = make_file()
ONE_CHANGED = make_file(PatientID="P2")
OTHER = make_file(study="1.9", series="1.9.1")
JUNK = b"no DICOM at all"


async def test_an_instance_is_indexed_as_it_lies() -> None:
    """The record says where the bytes are and what pydicom reads in them; ledger, case and queue know of it."""
    world = World()
    info = world.objects.write(KEY, ONE)
    await index_instance(KEY, world.index_ports)
    record = await world.index.get(REF)
    expected = dcmread(DicomBytesIO(ONE)).to_json_dict()
    assert orjson.loads(record.metadata) == expected
    assert (record.sop_class_uid, record.transfer_syntax_uid) == (CT, "1.2.840.10008.1.2.1")
    assert (record.location.key, record.location.etag) == (KEY, info.etag)
    assert (record.location.offset, record.location.length) == (0, len(ONE))
    assert (record.modified_at, record.source, record.warnings) == (info.modified_at, Source.EVENT, ())
    case = CaseView("2014", "S1", "L__CC")
    assert world.ledger.entries == {KEY: LedgerEntry(KEY, info.etag, ObjectState.INDEXED, REF, case=case)}
    assert [image.ref for image in await world.cases.images_of("2014", "S1")] == [REF]
    assert world.queue.changed_studies == [REF.study]


async def test_a_header_of_other_identity_than_its_file_meta_is_indexed_by_the_data_set() -> None:
    """The mismatch is a warning that names both attributes."""
    world = World()
    world.objects.write(KEY, to_file(make_data_set(), MediaStorageSOPInstanceUID="1.2.99"))
    await index_instance(KEY, world.index_ports)
    [warning] = (await world.index.get(REF)).warnings
    assert "MediaStorageSOPInstanceUID" in warning


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "NotDicom", "empty"),
        (JUNK, "NotDicom", "Not a DICOM file"),
        (ONE[:-3], "DamagedDicom", "offset"),
        (make_file(StudyInstanceUID=None), "MissingAttribute", "(0020,000D) StudyInstanceUID is absent"),
        (make_file(SeriesInstanceUID=""), "MissingAttribute", "(0020,000E) SeriesInstanceUID is empty"),
        (make_file(SOPInstanceUID=""), "MissingAttribute", "(0008,0018) SOPInstanceUID is empty"),
        (make_file(SOPClassUID=None), "MissingAttribute", "(0008,0016) SOPClassUID is absent"),
        (make_file(StudyInstanceUID="11|"), "InvalidAttribute", "(0020,000D) StudyInstanceUID"),
        (
            to_file(make_data_set(), MediaStorageSOPClassUID="1.2.840.10008.1.3.10"),
            "UnsupportedObject",
            "DICOMDIR",
        ),
    ],
)
async def test_an_object_that_cannot_be_indexed_is_kept_account_of(
    data: bytes, code: str, words: str
) -> None:
    """Where, why, when: one JSON that its owner can read, and the handler ends well."""
    world = World()
    info = world.objects.write(KEY, data)
    await index_instance(KEY, world.index_ports)
    rejection = orjson.loads(world.objects.objects[rejected_key("rejected", KEY)].data)
    assert (rejection["container"], rejection["name"], rejection["etag"]) == (
        KEY.container,
        KEY.name,
        info.etag,
    )
    assert rejection["code"] == code
    assert words in rejection["reason"]
    assert datetime.fromisoformat(rejection["rejected_at"]) - datetime.now(UTC) < timedelta(minutes=1)
    entry = world.ledger.entries[KEY]
    assert (entry.state, entry.ref, entry.reason) == (ObjectState.REJECTED, None, rejection["reason"])
    assert world.index.serving_records() == []


async def test_an_object_that_the_index_refuses_is_rejected() -> None:
    """A row may be over a limit of the tables, whenever it is tried again."""
    world = World()
    world.objects.write(KEY, ONE)

    async def refuse(*_: Any, **__: Any) -> Any:
        raise UnsupportedObjectError("a table row would be too large")

    world.index.put = refuse  # type: ignore[method-assign] # an index with limits
    await index_instance(KEY, world.index_ports)
    entry = world.ledger.entries[KEY]
    assert (entry.state, entry.ref) == (ObjectState.REJECTED, None)
    assert rejected_key("rejected", KEY) in world.objects.objects


async def test_a_folder_is_ignored() -> None:
    """Stores with a hierarchy send events for their folders too."""
    world = World()
    world.objects.write(KEY, b"", is_folder=True)
    await index_instance(KEY, world.index_ports)
    assert world.ledger.entries[KEY].state is ObjectState.IGNORED
    assert list(world.objects.objects) == [KEY]


async def test_a_settled_object_is_not_read_again() -> None:
    """A doubled event costs a look at the etag, and its study is made due in case that was lost."""
    world = World()
    world.objects.write(KEY, ONE)
    await index_instance(KEY, world.index_ports)
    before, reads = await world.index.get(REF), Reads(world)
    await index_instance(KEY, world.index_ports)
    assert await world.index.get(REF) == before
    assert reads.count == 0
    assert world.queue.changed_studies == [REF.study] * 2


class Reads:
    """Counts range reads of a world's store."""

    def __init__(self, world: World) -> None:
        self.count = 0
        self._read_range = world.objects.read_range
        world.objects.read_range = self._counted  # type: ignore[method-assign] # a spy

    async def _counted(self, *args: Any, **kwargs: Any) -> Any:
        self.count += 1
        return await self._read_range(*args, **kwargs)


CONTENTS: dict[str, bytes | None] = {
    "one": ONE,
    "one changed": ONE_CHANGED,
    "other": OTHER,
    "junk": JUNK,
    "gone": None,
}


async def play(world: World, contents: Iterable[bytes | None]) -> None:
    """Let the object become each of these in turn, and look at it after each."""
    for content in contents:
        become(world, content)
        await index_instance(KEY, world.index_ports)


def become(world: World, content: bytes | None) -> None:
    """Write the object, or remove it."""
    if content is None:
        world.objects.objects.pop(KEY, None)
    else:
        world.objects.write(KEY, content)


async def fresh_state(content: bytes | None) -> dict[str, Any]:
    """Return the state of an archive that has only ever seen this content."""
    world = World()
    await play(world, [content])
    return without_due(world)


def without_due(world: World) -> dict[str, Any]:
    """Return a world's state, but for the studies to be summed up: these tell of the past too."""
    return {name: value for name, value in world.state().items() if name != "due"}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(CONTENTS, CONTENTS)))
async def test_what_an_object_was_before_leaves_no_trace(before: str, after: str) -> None:
    """Overwritten, deleted, damaged, mended: the end is as if it had always been what it is now."""
    world = World()
    await play(world, [CONTENTS[before], CONTENTS[after]])
    assert without_due(world) == await fresh_state(CONTENTS[after])


@pytest.mark.parametrize(("before", "after"), list(itertools.product(CONTENTS, CONTENTS)))
@pytest.mark.parametrize("error", [KilledError(), BackendUnavailableError("slow down")])
async def test_a_failure_at_any_call_is_made_good_by_the_next_delivery(
    before: str, after: str, error: BaseException
) -> None:
    """Interrupted before its n-th call of a port and delivered again, a look ends as one that was never interrupted."""
    uninterrupted = World()
    await play(uninterrupted, [CONTENTS[before], CONTENTS[after]])
    for calls in itertools.count():
        world = World()
        await play(world, [CONTENTS[before]])
        become(world, CONTENTS[after])
        world.interrupt(calls, error)
        try:
            await index_instance(KEY, world.index_ports)
        except type(error):
            interrupted = True
        else:
            interrupted = False
        world.interrupt(None)
        await index_instance(KEY, world.index_ports)
        assert world.state() == uninterrupted.state(), f"interrupted before call {calls + 1}"
        assert world.accounted_for(KEY)
        if not interrupted:
            break
    assert calls > 2


@pytest.mark.parametrize(("before", "after"), list(itertools.product(CONTENTS, CONTENTS)))
async def test_what_an_interrupted_look_left_is_taken_back(before: str, after: str) -> None:
    """Also when the object changes once more before the event is delivered again."""
    for calls in range(12):
        world = World()
        become(world, ONE)
        world.interrupt(calls)
        with contextlib.suppress(KilledError):
            await index_instance(KEY, world.index_ports)
        become(world, CONTENTS[before])
        world.interrupt(calls)
        with contextlib.suppress(KilledError):
            await index_instance(KEY, world.index_ports)
        world.interrupt(None)
        await play(world, [CONTENTS[after]])
        assert without_due(world) == await fresh_state(CONTENTS[after]), (
            f"interrupted before call {calls + 1}"
        )


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(CONTENTS)), st.integers(0, 3), st.integers(0, 30)),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 9),
)
@pytest.mark.slow
def test_late_doubled_and_overtaking_events_end_in_the_same_state(
    changes: list[tuple[str, int, int]], pace: int
) -> None:
    """Whatever the interleaving, a slow handler does not put back what a fast one has replaced.

    Each change sends so many events and goes on after so many steps; only the last is sure to send one.
    """

    async def run() -> None:
        world = World()
        paced = Paced(world, pace)
        looks = []
        for name, copies, steps in changes:
            become(world, CONTENTS[name])
            looks += [asyncio.ensure_future(retried(paced)) for _ in range(copies)]
            for _ in range(steps):
                await asyncio.sleep(0)
        await asyncio.gather(*looks, retried(paced))
        assert without_due(world) == await fresh_state(CONTENTS[changes[-1][0]])

    asyncio.run(run())


async def retried(paced: "Paced") -> None:
    """Deliver the event until its handler ends well, as a queue does."""
    for _ in range(5):
        try:
            await index_instance(KEY, paced.ports())
        except TransientError:
            continue
        return
    raise AssertionError("an event was never handled")


class Paced:
    """Ports whose every call lets the others run a while, each handler at a pace of its own."""

    def __init__(self, world: World, delay: int) -> None:
        self._world = world
        self._pace = itertools.count(delay, 3)

    def ports(self) -> Any:
        """Return the ports of the next handler."""
        pace = next(self._pace) % 10
        world = self._world

        class Slow:
            def __init__(self, adapter: Any) -> None:
                self._adapter = adapter

            def __getattr__(self, name: str) -> Any:
                async def call(*args: Any, **kwargs: Any) -> Any:
                    for _ in range(pace):
                        await asyncio.sleep(0)
                    return await getattr(self._adapter, name)(*args, **kwargs)

                return call

        return IndexPorts(
            objects=Slow(world.objects),
            index=Slow(world.index),
            ledger=Slow(world.ledger),
            cases=Slow(world.cases),
            queue=Slow(world.queue),
            rejected_container="rejected",
        )


async def test_an_object_that_changes_all_the_time_is_tried_again_later() -> None:
    """The handler gives up and the queue delivers again."""
    world = World()
    world.objects.write(KEY, ONE)
    put = world.index.put

    async def put_and_overwrite(*args: Any, **kwargs: Any) -> Any:
        outcome = await put(*args, **kwargs)
        world.objects.write(KEY, ONE)
        return outcome

    world.index.put = put_and_overwrite  # type: ignore[method-assign] # another writer
    with pytest.raises(ObjectChangedError):
        await index_instance(KEY, world.index_ports)
    world.index.put = put  # type: ignore[method-assign] # the writer has stopped
    await index_instance(KEY, world.index_ports)
    assert without_due(world) == await fresh_state(ONE)


async def test_of_two_objects_with_one_instance_the_other_serves_when_one_goes() -> None:
    """A copy is kept as a spare, and both are accounted for."""
    world, copy = World(), ObjectKey("images", "copy.dcm")
    world.objects.write(KEY, ONE)
    world.objects.write(copy, ONE)
    for key in (KEY, copy):
        await index_instance(key, world.index_ports)
    assert (await world.index.get(REF)).location.key == KEY
    become(world, None)
    await index_instance(KEY, world.index_ports)
    assert (await world.index.get(REF)).location.key == copy
    assert {key: entry.state for key, entry in world.ledger.entries.items()} == {copy: ObjectState.INDEXED}


def test_a_rejection_is_found_by_its_objects_name_and_fits_any_store() -> None:
    """Azure takes names of up to 1,024 characters."""
    assert rejected_key("rejected", KEY) == ObjectKey("rejected", f"images/{KEY.name}.json")
    long = ObjectKey("images", "n" * 1024)
    assert len(rejected_key("rejected", long).name) <= 1024
    assert rejected_key("rejected", long) != rejected_key("rejected", ObjectKey("images", "n" * 1023))
    for name in ("é" * 600, f"folder/{'n' * 252}/a", f"folder/{'n' * 251}"):
        kept = rejected_key("rejected", ObjectKey("images", name)).name.encode()
        assert len(kept) <= 1024
        assert max(map(len, kept.split(b"/"))) <= 255


async def test_what_identifies_its_patient_too_plainly_is_rejected_until_it_is_replaced() -> None:
    """It lies where it lay, with the reason in `rejected`; what takes its place is looked at anew."""
    world = World()
    ports = replace(world.index_ports, risk=RiskPolicy(RiskLevel.HIGH))
    world.objects.write(KEY, ONE)
    await index_instance(KEY, ports)
    entry = await world.ledger.get(KEY)

    assert entry is not None
    assert entry.state is ObjectState.REJECTED
    assert "level high (name, record number)" in entry.reason
    assert "DOE" not in entry.reason
    assert [record async for record in world.index.instances_of(REF.study)] == []

    world.objects.write(KEY, make_file(PatientName="", PatientID="", StudyDate=""))
    await index_instance(KEY, ports)
    assert (await world.index.get(REF)).risk is not None
