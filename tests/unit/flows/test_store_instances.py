"""What storing instances leaves behind, and what its sender is told."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from shared.dicom.references import InstanceRef, StudyRef
from shared.dicom.store_response import FailedInstance, FailureReason, StoredInstance, StoreOutcome
from shared.errors import (
    BackendUnavailableError,
    MalformedMultipartError,
    PayloadTooLargeError,
    UnsupportedObjectError,
)
from shared.flows._archive_key import archive_key
from shared.flows._incoming import HELD_LENGTH, MAX_HELD_LENGTH
from shared.flows.index_instance import index_instance
from shared.flows.store_instances import StoreRequest, store_instances
from shared.records import DuplicatePolicy, ObjectKey, ObjectState, Source
from tests.unit.flows.builders import CT, SERIES, STUDY, add_pixels, make_data_set, make_file, to_file
from tests.unit.flows.world import KilledError, World

URL = "https://pacs.example/dicomweb"
REQUEST = StoreRequest(URL)
REF = InstanceRef(STUDY, SERIES, f"{SERIES}.1")
KEY = archive_key("archive", "default", REF)
ONE, TWO = make_file(1), make_file(2)


class FakePart:
    """A part whose content comes in pieces; an exception among them breaks it off."""

    def __init__(self, *pieces: bytes | Exception, headers: Mapping[str, str] | None = None) -> None:
        self.headers = headers or {}
        self._pieces = pieces

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the pieces."""
        for piece in self._pieces:
            await asyncio.sleep(0)
            if isinstance(piece, Exception):
                raise piece
            yield piece


def in_pieces(data: bytes, length: int = 65536) -> FakePart:
    """Make a part whose content comes as a server would receive it."""
    return FakePart(*(data[start : start + length] for start in range(0, len(data), length)))


async def parts_of(contents: Iterable[bytes | FakePart | Exception]) -> AsyncIterator[FakePart]:
    """Yield a part of each content; an exception breaks off the body."""
    for content in contents:
        if isinstance(content, Exception):
            raise content
        yield content if isinstance(content, FakePart) else in_pieces(content)


async def store(
    world: World, *contents: bytes | FakePart | Exception, request: StoreRequest = REQUEST
) -> list[StoreOutcome]:
    """Store these in one request."""
    return await store_instances(parts_of(contents), request, world.store_ports)


def reasons(outcomes: Sequence[StoreOutcome]) -> list[int | None]:
    """Return the failure reason of each outcome, None for what was stored."""
    return [outcome.reason if isinstance(outcome, FailedInstance) else None for outcome in outcomes]


def large_file(
    number: int = 1, *, length: int = HELD_LENGTH + 1000, fill: int = 7, **attributes: Any
) -> bytes:
    """Make a file that is not held in memory whole."""
    columns = 1000
    rows = length // columns
    return to_file(
        add_pixels(
            make_data_set(number, **attributes), [bytes([fill]) * rows * columns], rows=rows, columns=columns
        )
    )


async def test_instances_are_in_archive_index_and_ledger_when_they_are_reported() -> None:
    """Bytes as sent, metadata as pydicom reads it, one request to sum the study up."""
    world = World()
    outcomes = await store(world, ONE, TWO)
    assert [
        StoredInstance(
            CT, f"{SERIES}.{number}", f"{URL}/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.{number}"
        )
        for number in (1, 2)
    ] == outcomes
    record = await world.index.get(REF)
    assert orjson.loads(record.metadata) == dcmread(DicomBytesIO(ONE)).to_json_dict()
    assert (record.location.key, record.location.offset, record.location.length) == (KEY, 0, len(ONE))
    assert (record.source, record.location.etag) == (Source.STORE, world.objects.objects[KEY].info.etag)
    assert sorted(stored.data for stored in world.objects.objects.values()) == sorted([ONE, TWO])
    assert {(entry.state, entry.etag) for entry in world.ledger.entries.values()} == {
        (ObjectState.INDEXED, stored.info.etag) for stored in world.objects.objects.values()
    }
    assert world.queue.changed_studies == [StudyRef(STUDY)]


def test_the_archive_names_an_object_by_its_uids() -> None:
    """Partition, two hex digits of the study, then the UIDs."""
    partition, spread, *uids = KEY.name.split("/")
    assert (KEY.container, partition, uids) == ("archive", "default", [STUDY, SERIES, f"{SERIES}.1.dcm"])
    assert 0 <= int(spread, 16) <= 255
    assert len(spread) == 2


@pytest.mark.parametrize("transfer_syntax_uid", [RLELossless, DeflatedExplicitVRLittleEndian])
async def test_the_record_is_that_of_an_indexed_object(transfer_syntax_uid: str) -> None:
    """Whichever way an instance came, its record is the same but for place, time and way."""
    compressed = transfer_syntax_uid == RLELossless
    data_set = add_pixels(make_data_set(), [b"ab", b"cdef"], rows=1, columns=4, encapsulated=compressed)
    if not compressed:
        data_set.PixelData = b"01234567"
    data = to_file(data_set, transfer_syntax_uid=transfer_syntax_uid)
    stored, indexed = World(), World()
    await store(stored, data)
    indexed.objects.write(ObjectKey("images", "a"), data)
    await index_instance(ObjectKey("images", "a"), indexed.index_ports)
    one, other = await stored.index.get(REF), await indexed.index.get(REF)
    assert (one.metadata, one.layout, one.bulk_data) == (other.metadata, other.layout, other.bulk_data)
    assert one.layout is not None


@pytest.mark.parametrize("encapsulated", [False, True])
async def test_a_large_instance_streams_and_has_a_complete_record(*, encapsulated: bool) -> None:
    """Its layout has every frame although its end was never held."""
    frames = [bytes([number]) * 2_000_000 for number in range(3)]
    data_set = add_pixels(make_data_set(), frames, rows=2000, columns=1000, encapsulated=encapsulated)
    data = to_file(data_set, **({"transfer_syntax_uid": RLELossless} if encapsulated else {}))
    assert len(data) > HELD_LENGTH
    world = World()
    assert reasons(await store(world, data)) == [None]
    record = await world.index.get(REF)
    assert record.layout is not None
    assert record.layout.number_of_frames == 3
    assert record.location.length == len(data)
    assert world.objects.objects[KEY].data == data


async def test_a_large_element_before_the_identifying_ones_are_complete_is_waited_for() -> None:
    """A header longer than what is held at first is held as far as it goes."""
    data_set = make_data_set()
    data_set.add_new(0x0009_0010, "LO", "PRIVATE")
    data_set.add_new(0x0009_1001, "OB", b"\1" * (HELD_LENGTH + 2))
    world = World()
    assert reasons(await store(world, to_file(data_set))) == [None]
    assert (await world.index.get(REF)).bulk_data.keys() == {"00091001"}


async def test_a_large_document_behind_the_identifying_elements_streams() -> None:
    """An encapsulated PDF may be larger than what is held of any header."""
    data_set = make_data_set()
    data_set.EncapsulatedDocument = b"\1" * (MAX_HELD_LENGTH + HELD_LENGTH)
    world = World()
    assert reasons(await store(world, to_file(data_set))) == [None]
    assert (await world.index.get(REF)).bulk_data.keys() == {"00420011"}


async def test_a_header_over_the_limit_is_refused() -> None:
    """No more than the limit is ever held of one instance."""
    data_set = make_data_set()
    data_set.add_new(0x0009_0010, "LO", "PRIVATE")
    data_set.add_new(0x0009_1001, "OB", b"\1" * MAX_HELD_LENGTH)
    world = World()
    [outcome] = await store(world, to_file(data_set))
    assert isinstance(outcome, FailedInstance)
    assert str(MAX_HELD_LENGTH) in outcome.text
    assert world.objects.objects == {}


@pytest.mark.parametrize(
    ("content", "reason", "words", "named"),
    [
        (b"", 272, "empty", False),
        (b"no DICOM", 272, "Not a DICOM file", False),
        (FakePart(ONE, headers={"content-type": "image/jpeg"}), 272, "Content-Type", False),
        (FakePart(ONE, headers={"content-type": "?"}), 272, "Content-Type", False),
        (ONE[:-3], 49152, "Damaged", False),
        (large_file()[:-3], 49152, "missing", True),
        (make_file(PatientID=None), 43264, "(0010,0020) PatientID", True),
        (make_file(StudyInstanceUID="11|"), 43264, "(0020,000D) StudyInstanceUID", True),
        (make_file(SOPInstanceUID=""), 43264, "(0008,0018) SOPInstanceUID", False),
        (make_file(study="1.9", SeriesInstanceUID=None), 43264, "(0020,000E) SeriesInstanceUID", True),
        (to_file(make_data_set(), MediaStorageSOPClassUID="1.2.840.10008.1.3.10"), 290, "DICOMDIR", True),
    ],
)
async def test_a_bad_part_fails_by_itself(
    content: bytes | FakePart, reason: int, words: str, *, named: bool
) -> None:
    """Its reason names what is wrong; the parts around it are stored, and nothing of it is left."""
    world = World()
    before, after = make_file(8), make_file(9)
    outcomes = await store(world, before, content, after)
    assert reasons(outcomes) == [None, reason, None]
    failed = outcomes[1]
    assert isinstance(failed, FailedInstance)
    assert words in failed.text
    assert (failed.sop_instance_uid == f"{SERIES}.1") == named
    assert sorted(stored.data for stored in world.objects.objects.values()) == sorted([before, after])
    assert len(world.index.serving_records()) == 2


async def test_an_empty_patient_id_is_allowed() -> None:
    """The attribute is of type 2."""
    assert reasons(await store(World(), make_file(PatientID=""))) == [None]


@pytest.mark.parametrize(
    "media_type", ["application/dicom", 'Application/DICOM; transfer-syntax="1.2"', None]
)
async def test_a_part_may_say_it_is_dicom_or_say_nothing(media_type: str | None) -> None:
    """Clients differ."""
    part = FakePart(ONE, headers={"content-type": media_type} if media_type else {})
    assert reasons(await store(World(), part)) == [None]


async def test_an_instance_of_another_study_is_refused() -> None:
    """A request for one study takes only its instances."""
    world = World()
    request = StoreRequest(URL, StudyRef(STUDY))
    outcomes = await store(world, ONE, make_file(study="1.9", series="1.9.1"), request=request)
    assert reasons(outcomes) == [None, FailureReason.STUDY_MISMATCH]
    assert [record.ref for record in world.index.serving_records()] == [REF]


async def test_an_odd_instance_is_stored_with_a_warning() -> None:
    """And the warning says what is odd."""
    world = World()
    [outcome] = await store(world, to_file(make_data_set(), MediaStorageSOPInstanceUID="1.2.99"))
    assert isinstance(outcome, StoredInstance)
    assert outcome.warning_reason == 45063
    assert "MediaStorageSOPInstanceUID" in outcome.warnings[0]


@pytest.mark.parametrize("make", [make_file, large_file])
async def test_identical_bytes_are_stored_already(make: Any) -> None:
    """The instance counts as stored, and nothing changes."""
    world = World()
    await store(world, make())
    changes = await world.feed.changes(0, 10)
    assert reasons(await store(world, make())) == [None]
    assert await world.feed.changes(0, 10) == changes


@pytest.mark.parametrize("make", [make_file, large_file])
@pytest.mark.parametrize(
    ("duplicates", "other"),
    [("identical-ok", {"PatientID": "P/2#"}), ("reject", {"PatientID": "P/2#"}), ("reject", {})],
)
async def test_an_instance_that_is_there_is_never_replaced(
    make: Any, other: dict[str, Any], duplicates: DuplicatePolicy
) -> None:
    """Other bytes, or any where the dialect says so, are refused, and what is stored stays."""
    world = World()
    await store(world, make())
    state = world.state()
    request = StoreRequest(URL, duplicates=duplicates)
    outcomes = await store(world, make(**other), request=request)
    assert reasons(outcomes) == [FailureReason.ALREADY_EXISTS]
    assert world.state() == state


@pytest.mark.parametrize(("second", "reason"), [(ONE, None), (make_file(PatientID="P/2#"), 45070)])
async def test_an_instance_that_comes_twice_in_one_request_is_stored_once(
    second: bytes, reason: int | None
) -> None:
    """The second is judged against the first."""
    world = World()
    assert reasons(await store(world, ONE, TWO, second)) == [None, None, reason]
    assert world.objects.objects[KEY].data == ONE
    assert len(await world.feed.changes(0, 10)) == 2


@pytest.mark.parametrize(
    ("data", "reason"), [(ONE, None), (make_file(PatientID="P/2#"), 45070), (large_file(), 45070)]
)
async def test_an_instance_that_a_watched_container_serves_is_not_kept_twice(
    data: bytes, reason: int | None
) -> None:
    """It is judged against the bytes that serve, and the archive keeps no object of it."""
    world, watched = World(), ObjectKey("images", "a.dcm")
    world.objects.write(watched, ONE)
    await index_instance(watched, world.index_ports)
    state = world.state()
    assert reasons(await store(world, data)) == [reason]
    assert world.state() == state


async def test_many_instances_of_many_series_are_indexed_in_few_calls() -> None:
    """Fifty records of a series go in one call."""
    world = World()
    calls: list[int] = []
    put = world.index.put

    async def counted(records: Any, *, if_absent: bool = False) -> Any:
        calls.append(len(records))
        return await put(records, if_absent=if_absent)

    world.index.put = counted  # type: ignore[method-assign] # a spy
    files = [make_file(number, series=f"1.2.3.{series}") for number in range(60) for series in (1, 2)]
    assert reasons(await store(world, *files)) == [None] * 120
    assert sorted(calls) == [10, 10, 50, 50]
    assert len(world.index.serving_records()) == len(world.ledger.entries) == 120


class SlowStore:
    """Makes a world's store slow to write, the more so the earlier it is asked, and counts what is under way."""

    def __init__(self, world: World) -> None:
        self.most = self._under_way = 0
        self._pace = 200
        self._put = world.objects.put
        world.objects.put = self._put_slowly  # type: ignore[method-assign] # a slow store

    async def _put_slowly(self, *args: Any, **kwargs: Any) -> Any:
        self._under_way += 1
        self._pace -= 1
        self.most = max(self.most, self._under_way)
        for _ in range(self._pace):
            await asyncio.sleep(0)
        self._under_way -= 1
        return await self._put(*args, **kwargs)


async def test_small_instances_are_written_at_the_same_time_but_not_all_at_once() -> None:
    """A slow store is waited for once, not once an instance, within a limit."""
    world = World()
    slow = SlowStore(world)
    assert reasons(await store(world, *(make_file(number) for number in range(40)))) == [None] * 40
    assert slow.most == 16


async def test_instances_in_memory_have_a_limit_in_bytes() -> None:
    """Of 3 MiB each, ten are held at a time."""
    world = World()
    slow = SlowStore(world)
    files = [FakePart(large_file(number, length=3 * 1024 * 1024)) for number in range(16)]
    assert reasons(await store(world, *files)) == [None] * 16
    assert slow.most == 10


async def test_of_two_in_one_request_the_first_is_stored() -> None:
    """However long its writing takes."""
    world = World()
    SlowStore(world)
    assert reasons(await store(world, ONE, make_file(PatientID="P/2#"))) == [None, 45070]
    assert world.objects.objects[KEY].data == ONE


@pytest.mark.parametrize(
    "error", [MalformedMultipartError("the body ends early"), PayloadTooLargeError("too long")]
)
async def test_what_came_before_a_body_broke_off_stays_and_is_reported(error: Exception) -> None:
    """Between parts, in a small part, in a large one: the broken part is reported as a failure."""
    for broken in (error, FakePart(ONE[:100], error), FakePart(large_file()[:-1000], error)):
        world = World()
        outcomes = await store(world, TWO, broken, make_file(3))
        assert [isinstance(outcome, StoredInstance) for outcome in outcomes] == [True, False]
        assert isinstance(outcomes[1], FailedInstance)
        assert outcomes[1].text == str(error)
        assert [stored.data for stored in world.objects.objects.values()] == [TWO]
        assert len(world.index.serving_records()) == 1


@pytest.mark.parametrize(
    "error", [MalformedMultipartError("the body ends early"), PayloadTooLargeError("too long")]
)
async def test_a_body_that_breaks_off_before_anything_is_stored_is_an_error(error: Exception) -> None:
    """So that the request as a whole is refused."""
    for contents in ([error], [FakePart(ONE[:100], error)], [b"no DICOM", error]):
        world = World()
        with pytest.raises(type(error)):
            await store(world, *contents)
        assert world.objects.objects == {}


async def test_a_request_of_too_many_parts_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of each part, be it empty, has a cap; what came before it stays."""
    monkeypatch.setattr("shared.flows.store_instances.MAX_PARTS", 2)
    world = World()
    outcomes = await store(world, ONE, b"", TWO)
    assert reasons(outcomes)[0] is None
    assert "more than 2 parts" in getattr(outcomes[-1], "text", "")
    assert len(world.index.serving_records()) == 1
    with pytest.raises(PayloadTooLargeError):
        await store(World(), b"", b"", b"")


async def test_no_parts_store_nothing() -> None:
    """An empty body is no error of the flow."""
    assert await store(World()) == []


async def test_a_client_that_leaves_does_not_leave_unindexed_objects() -> None:
    """What was written by then is indexed."""
    world = World()
    with pytest.raises(ConnectionError):
        await store(world, ONE, TWO, ConnectionError())
    assert len(world.index.serving_records()) == len(world.objects.objects) == 2


async def test_two_requests_with_one_new_instance_create_it_once() -> None:
    """Only one has its bytes stored; the other is told so, and the feed has one entry."""
    for make in (make_file, large_file):
        world = World()
        answers = await asyncio.gather(*(store(world, make(PatientID=f"P{number}")) for number in (1, 2)))
        assert sorted(str(reason) for answer in answers for reason in reasons(answer)) in (
            ["45070", "None"],
            ["45071", "None"],
        )
        assert len(await world.feed.changes(0, 10)) == 1
        assert len(world.objects.objects) == 1


def scenario(name: str) -> tuple[World, list[bytes]]:
    """Return an archive and what is sent to it."""
    world = World()
    other_series = make_file(1, series="1.2.3.2")
    if name == "new":
        return world, [ONE, TWO, other_series]
    if name == "large":
        return world, [large_file()]
    if name == "twice":
        return world, [ONE, TWO, ONE]
    world.objects.write(ObjectKey("images", "a.dcm"), ONE)
    return world, [ONE, TWO]


@pytest.mark.parametrize("name", ["new", "large", "twice", "watched"])
@pytest.mark.parametrize("error", [KilledError(), BackendUnavailableError("slow down")])
async def test_a_request_that_failed_at_any_call_and_is_sent_again_ends_as_if_sent_once(
    name: str, error: BaseException
) -> None:
    """Interrupted before its n-th call of a port, for every n."""
    expected, files = scenario(name)
    if name == "watched":
        await index_instance(ObjectKey("images", "a.dcm"), expected.index_ports)
    assert reasons(await store(expected, *files)) == [None] * len(files)
    for calls in itertools.count():
        world, _ = scenario(name)
        if name == "watched":
            await index_instance(ObjectKey("images", "a.dcm"), world.index_ports)
        world.interrupt(calls, error)
        try:
            first = reasons(await store(world, *files))
        except type(error):
            first = []
        world.interrupt(None)
        assert reasons(await store(world, *files)) == [None] * len(files)
        assert world.state() == expected.state(), f"interrupted before call {calls + 1}"
        assert [change.ref for change in await world.feed.changes(0, 99)].count(REF) == 1
        if first == [None] * len(files):
            break
    assert calls > 3


async def test_a_store_that_does_not_answer_is_an_error_to_try_again() -> None:
    """Nothing was stored, so the client may send all of it again."""
    world = World()
    world.interrupt(0, BackendUnavailableError("slow down"))
    with pytest.raises(BackendUnavailableError):
        await store(world, ONE, TWO)


async def test_an_instance_whose_writing_failed_is_reported_while_others_are_stored() -> None:
    """Out of resources: the sender may send that one again."""
    world = World()
    put = world.objects.put

    async def failing(key: ObjectKey, *args: Any, **kwargs: Any) -> Any:
        if key == KEY:
            raise BackendUnavailableError("slow down")
        return await put(key, *args, **kwargs)

    world.objects.put = failing  # type: ignore[method-assign] # a store that fails now and then
    assert reasons(await store(world, ONE, TWO)) == [FailureReason.OUT_OF_RESOURCES, None]


async def test_an_instance_that_the_index_refuses_fails_by_itself() -> None:
    """A row may be over a limit of the tables; the others of its batch are stored, and nothing is left of it."""
    world = World()
    put = world.index.put

    async def limited(records: Any, *, if_absent: bool = False) -> Any:
        if any(record.ref == REF for record in records):
            raise UnsupportedObjectError("a table row would be too large")
        return await put(records, if_absent=if_absent)

    world.index.put = limited  # type: ignore[method-assign] # an index with limits
    assert reasons(await store(world, ONE, TWO, make_file(3))) == [290, None, None]
    assert KEY not in world.objects.objects
    assert len(world.index.serving_records()) == len(world.ledger.entries) == 2


async def test_an_unreadable_leftover_is_replaced() -> None:
    """An object of the archive that is neither indexed nor readable was never reported as stored."""
    for data in (ONE, large_file()):
        world = World()
        world.objects.write(KEY, data[:-3])
        assert reasons(await store(world, data)) == [None]
        assert world.objects.objects[KEY].data == data


async def test_the_time_of_an_instance_is_that_of_its_object() -> None:
    """Which of several objects serves depends on it, so it is the store's clock that counts."""
    world = World()
    await store(world, ONE)
    record = await world.index.get(REF)
    assert record.modified_at == world.objects.objects[KEY].info.modified_at
    assert timedelta() <= record.indexed_at - record.modified_at < timedelta(minutes=1)
