"""What is retrieved of instances: all of their bytes, their metadata, frames and single values."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.errors import (
    FrameOutOfRangeError,
    InstanceNotFoundError,
    NotAcceptableError,
    NotFoundError,
    ObjectChangedError,
    ObjectNotFoundError,
    SeriesNotFoundError,
    StudyNotFoundError,
)
from shared.flows.index_instance import index_instance
from shared.flows.read_instances import read_instances
from shared.flows.retrieve_bulkdata import retrieve_bulkdata
from shared.flows.retrieve_frames import retrieve_frames
from shared.flows.retrieve_instances import retrieve_instances
from shared.flows.retrieve_metadata import retrieve_metadata
from shared.records import ObjectKey
from tests.unit.flows.builders import SERIES, STUDY, add_pixels, make_data_set, make_file, to_file
from tests.unit.flows.world import World

URL = "https://pacs.example/dicomweb"
REF = InstanceRef(STUDY, SERIES, f"{SERIES}.1")
ABSENT = [
    (StudyRef("1.8"), StudyNotFoundError),
    (SeriesRef(STUDY, "1.8"), SeriesNotFoundError),
    (InstanceRef(STUDY, SERIES, "1.8"), InstanceNotFoundError),
]


async def archive_of(*files: bytes) -> World:
    """Return an archive that holds these files, named 0, 1, ..."""
    world = World()
    for number, data in enumerate(files):
        key = ObjectKey("images", str(number))
        world.objects.write(key, data)
        await index_instance(key, world.index_ports)
    return world


async def joined(chunks: AsyncIterator[bytes]) -> bytes:
    """Return all of a stream."""
    return b"".join([chunk async for chunk in chunks])


async def read(world: World, ref: StudyRef | SeriesRef | InstanceRef) -> list[bytes]:
    """Return the content of every instance."""
    found = await retrieve_instances(ref, service_url=URL, index=world.index)
    return [await joined(content) async for _, content in read_instances(found, objects=world.objects)]


FILES = [make_file(number, series=f"1.2.3.{series}") for series in (1, 2) for number in (1, 2, 3)]
LARGE = to_file(add_pixels(make_data_set(4), [bytes(2_000_000)], rows=2000, columns=1000))


async def test_every_level_gives_its_instances_as_stored_and_in_the_order_of_their_uids() -> None:
    """Small and large ones keep their places."""
    world = await archive_of(*reversed(FILES), LARGE)
    assert await read(world, StudyRef(STUDY)) == [*FILES[:3], LARGE, *FILES[3:]]
    assert await read(world, SeriesRef(STUDY, "1.2.3.2")) == FILES[3:]
    assert await read(world, REF) == [FILES[0]]


async def test_an_instance_may_be_a_span_of_an_object() -> None:
    """Neither offset nor length is taken for granted."""
    from dataclasses import replace

    world = await archive_of(FILES[0])
    record = await world.index.get(REF)
    world.index._claims.clear()
    info = world.objects.write(ObjectKey("images", "pack"), b"before" + FILES[0] + b"after")
    location = replace(record.location, key=info.key, etag=info.etag, offset=6)
    await world.index.put([replace(record, location=location)])
    assert await read(world, REF) == [FILES[0]]


@pytest.mark.parametrize(("ref", "error"), ABSENT)
async def test_what_is_not_there_is_named(ref: Any, error: type[Exception]) -> None:
    """Each level has its own error, for instances and for metadata."""
    world = await archive_of(FILES[0])
    with pytest.raises(error):
        await retrieve_instances(ref, service_url=URL, index=world.index)
    with pytest.raises(error):
        await joined(retrieve_metadata(ref, service_url=URL, index=world.index))


async def test_an_object_that_was_replaced_or_deleted_is_not_sent_for_the_one_indexed() -> None:
    """Its bytes would not be those the index describes."""
    world = await archive_of(FILES[0])
    world.objects.write(ObjectKey("images", "0"), FILES[1])
    with pytest.raises(ObjectChangedError):
        await read(world, REF)
    world.objects.objects.clear()
    with pytest.raises(ObjectNotFoundError):
        await read(world, REF)


async def test_small_instances_are_read_ahead_and_reading_stops_with_the_reader() -> None:
    """Some are under way at once, never all, and none goes on once nobody reads."""
    world = await archive_of(*(make_file(number) for number in range(30)))
    begun = 0
    stream = world.objects.stream

    async def counted(*args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
        nonlocal begun
        begun += 1
        async for chunk in stream(*args, **kwargs):
            yield chunk

    world.objects.stream = counted  # type: ignore[method-assign] # a spy
    found = await retrieve_instances(StudyRef(STUDY), service_url=URL, index=world.index)
    reading = read_instances(found, objects=world.objects)
    _, content = await anext(reading)
    await joined(content)
    assert begun == 8
    await reading.aclose()  # type: ignore[attr-defined] # it is a generator
    await asyncio.sleep(0)
    assert begun == 8


async def test_a_frame_that_memory_may_not_hold_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame is read whole, and a file may say that one has many gigabytes, or be a film that is one frame."""
    monkeypatch.setattr("shared.flows.retrieve_frames.MAX_FRAME_LENGTH", 15)
    world = await archive_of(to_file(add_pixels(make_data_set(1), [bytes(16)], rows=4, columns=4)))
    with pytest.raises(NotAcceptableError, match="16 bytes"):
        await retrieve_frames(REF, [1], service_url=URL, objects=world.objects, index=world.index)


async def test_metadata_is_that_of_the_instances_with_absolute_uris() -> None:
    """One object an instance, as pydicom has it, but for what is named by a URI."""
    world = await archive_of(*FILES[:2])
    [one, two] = orjson.loads(
        await joined(retrieve_metadata(StudyRef(STUDY), service_url=URL, index=world.index))
    )
    assert [one, two] == [dcmread(BytesIO(data)).to_json_dict() for data in FILES[:2]]
    world = await archive_of(LARGE)
    [metadata] = orjson.loads(
        await joined(retrieve_metadata(StudyRef(STUDY), service_url=URL, index=world.index))
    )
    assert metadata["7FE00010"] == {
        "vr": "OB",
        "BulkDataURI": f"{URL}/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.4/bulkdata/7FE00010",
    }


async def test_a_value_that_looks_like_a_uri_stays_as_it_is() -> None:
    """Only the index's own URIs are made absolute."""
    text = 'a "BulkDataURI":"bulkdata/7FE00010" b'
    world = await archive_of(make_file(StudyDescription=text))
    [metadata] = orjson.loads(await joined(retrieve_metadata(REF, service_url=URL, index=world.index)))
    assert metadata["00081030"]["Value"] == [text]


async def frames_of(world: World, *numbers: int) -> list[bytes]:
    """Return frames of the instance."""
    found = await retrieve_frames(REF, numbers, service_url=URL, objects=world.objects, index=world.index)
    return [frame async for frame in found.content]


FRAMES = [bytes([number]) * 6 for number in range(1, 6)]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_frames_come_in_the_order_asked_for(numbers: list[int]) -> None:
    """Repeated, backwards, with gaps."""

    async def run() -> None:
        world = await archive_of(to_file(add_pixels(make_data_set(), FRAMES, rows=2, columns=3)))
        assert await frames_of(world, *numbers) == [FRAMES[number - 1] for number in numbers]

    asyncio.run(run())


async def test_compressed_frames_are_those_pydicom_finds() -> None:
    """Without item headers."""
    data = to_file(
        add_pixels(make_data_set(), [b"a" * 10, b"b" * 700, b"c" * 4], rows=2, columns=3, encapsulated=True),
        transfer_syntax_uid=RLELossless,
    )
    world = await archive_of(data)
    expected = list(generate_frames(dcmread(BytesIO(data)).PixelData, number_of_frames=3))
    assert await frames_of(world, 1, 2, 3) == expected
    found = await retrieve_frames(REF, [1], service_url=URL, objects=world.objects, index=world.index)
    assert (found.transfer_syntax_uid, found.length) == (RLELossless, None)


async def test_frames_of_a_deflated_instance_come_from_its_inflated_data_set() -> None:
    """Offsets count there."""
    data = to_file(
        add_pixels(make_data_set(), FRAMES, rows=2, columns=3),
        transfer_syntax_uid=DeflatedExplicitVRLittleEndian,
    )
    world = await archive_of(data)
    assert await frames_of(world, 2, 5) == [FRAMES[1], FRAMES[4]]


async def test_bit_packed_frames_are_taken_apart() -> None:
    """Two frames may share a byte; pydicom's pixels are the oracle."""
    data_set = add_pixels(make_data_set(), [b""], rows=3, columns=3)
    data_set.BitsAllocated = data_set.BitsStored = 1
    data_set.HighBit = 0
    data_set.NumberOfFrames = 3
    data_set.PixelData = np.packbits(np.arange(27) % 5 == 0, bitorder="little").tobytes()
    data = to_file(data_set)
    world = await archive_of(data)
    expected = dcmread(BytesIO(data)).pixel_array
    for frame, pixels in zip(await frames_of(world, 1, 2, 3), expected, strict=True):
        bits = np.unpackbits(np.frombuffer(frame, np.uint8), bitorder="little")
        assert bits[:9].tolist() == pixels.ravel().tolist()


@pytest.mark.parametrize(("numbers", "reads"), [([1, 2, 3], 1), ([3, 2, 1], 3), ([1, 3], 1), ([5], 1)])
async def test_frames_that_lie_together_are_read_at_once(numbers: list[int], reads: int) -> None:
    """One range read for frames in their order."""
    world = await archive_of(to_file(add_pixels(make_data_set(), FRAMES, rows=2, columns=3)))
    calls = 0
    read_range = world.objects.read_range

    async def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        return await read_range(*args, **kwargs)

    world.objects.read_range = counted  # type: ignore[method-assign] # a spy
    await frames_of(world, *numbers)
    assert calls == reads


async def test_one_read_of_frames_has_a_limit() -> None:
    """Of many large frames no more are held than that."""
    frames = [bytes([number]) * 3_000_000 for number in range(4)]
    world = await archive_of(to_file(add_pixels(make_data_set(), frames, rows=3000, columns=1000)))
    lengths: list[int] = []
    read_range = world.objects.read_range

    async def noted(key: ObjectKey, start: int, end: int, **kwargs: Any) -> Any:
        lengths.append(end - start)
        return await read_range(key, start, end, **kwargs)

    world.objects.read_range = noted  # type: ignore[method-assign] # a spy
    assert await frames_of(world, 1, 2, 3, 4) == frames
    assert lengths == [6_000_000, 6_000_000]


async def test_frames_that_are_not_there_are_not_found() -> None:
    """Numbers over the last, and instances without pixels."""
    world = await archive_of(to_file(add_pixels(make_data_set(), FRAMES, rows=2, columns=3)))
    with pytest.raises(FrameOutOfRangeError):
        await frames_of(world, 1, 6)
    world = await archive_of(FILES[0])
    with pytest.raises(NotFoundError):
        await frames_of(world, 1)


@pytest.mark.parametrize("transfer_syntax_uid", ["1.2.840.10008.1.2.1", DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("pixels", [False, True])
async def test_each_value_that_metadata_names_is_retrieved_by_its_uri(
    transfer_syntax_uid: str, *, pixels: bool
) -> None:
    """Exactly its bytes, also within sequences and inflated data sets."""
    data_set = make_data_set()
    if pixels:
        add_pixels(data_set, FRAMES, rows=2, columns=3)
    data_set.add_new(0x0009_0010, "LO", "PRIVATE")
    data_set.add_new(0x0009_1001, "OW", b"\1\2" * 500_000)
    inner = make_data_set(9)
    inner.EncapsulatedDocument = b"\3\4" * 10_000
    data_set.ReferencedImageSequence = [inner]
    world = await archive_of(to_file(data_set, transfer_syntax_uid=transfer_syntax_uid))
    expected = {"00091001": b"\1\2" * 500_000, "00081140/0/00420011": b"\3\4" * 10_000}
    if pixels:
        expected["7FE00010"] = b"".join(FRAMES)
    record = await world.index.get(REF)
    assert record.bulk_data.keys() == expected.keys()
    for path, value in expected.items():
        found = await retrieve_bulkdata(REF, path, service_url=URL, objects=world.objects, index=world.index)
        assert (found.length, await joined(found.content)) == (len(value), value)


@pytest.mark.parametrize("path", ["", "7FE00010", "00100010", "../metadata"])
async def test_a_path_that_metadata_does_not_name_is_not_found(path: str) -> None:
    """Whatever it looks like."""
    world = await archive_of(FILES[0])
    with pytest.raises(NotFoundError):
        await retrieve_bulkdata(REF, path, service_url=URL, objects=world.objects, index=world.index)
