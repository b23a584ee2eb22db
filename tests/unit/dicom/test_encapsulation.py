"""Frames of encapsulated pixel data are found by few reads, and by their fragments where the tables lie."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import generate_frames

from shared.dicom.byte_window import ByteWindow
from shared.dicom.encapsulation import FrameTable, read_frame_table
from shared.errors import DamagedDicomError, UnsupportedObjectError
from tests.unit.dicom.dicom_files import SEQUENCE_END, RangeReads, item, quiet

JPEG = b"\xff\xd8" + b"\1" * 30 + b"\xff\xd9"


async def table_of(
    value: bytes, frames: int | None = 1, *, extended: tuple[bytes, bytes] | None = None, video: bool = False
) -> FrameTable:
    """Find the frames of a value that begins at offset 0."""
    window = ByteWindow(RangeReads(value), len(value))
    return await read_frame_table(window, 0, number_of_frames=frames, extended=extended, video=video)


def joined(value: bytes, table: FrameTable) -> list[bytes]:
    """Return the frames that a table names, by pydicom's own reading of their fragments."""
    return [
        b"".join(generate_frames(item() + value[start : start + length] + SEQUENCE_END, number_of_frames=1))
        for start, length in table.frames
    ]


class LargeObject:
    """Fragments whose contents are made up, so that a gigabyte costs nothing; counts reads and bytes."""

    def __init__(self, fragments: list[int]) -> None:
        self.headers = {0: item()}
        at = 8
        for length in fragments:
            self.headers[at] = item(b"", length)
            at += 8 + length
        self.headers[at] = SEQUENCE_END
        self.size = at + 8
        self.reads: list[int] = []

    async def fetch(self, start: int, end: int) -> bytes:
        """Return zeros with the item headers among them."""
        self.reads.append(end - start)
        data = bytearray(end - start + 16)
        for at, header in self.headers.items():
            if start - 8 < at < end:
                data[at - start + 8 : at - start + 16] = header
        return bytes(data[8 : end - start + 8])


@pytest.mark.parametrize(
    ("fragments", "most_reads", "most_bytes"),
    [
        ([100_000_000] * 10, 12, 200_000),
        ([1_000_000_000], 3, 80_000),
        ([2_000] * 20_000, 25, 45_000_000),
        ([100_000] * 1_000, 40, 105_000_000),
        ([300_000], 3, 80_000),
    ],
)
async def test_reads_are_few_for_large_and_for_small_fragments(
    fragments: list[int], most_reads: int, most_bytes: int
) -> None:
    """A gigabyte in ten fragments costs a read each; small fragments come many to a read."""
    large = LargeObject(fragments)
    table = await read_frame_table(
        ByteWindow(large.fetch, large.size), 0, number_of_frames=len(fragments), extended=None, video=False
    )
    assert [8 + length for length in fragments] == [length for _, length in table.frames]
    assert large.size == table.end
    assert len(large.reads) <= most_reads
    assert sum(large.reads) <= most_bytes


async def test_a_fragment_that_ends_behind_a_large_object_is_damage() -> None:
    """Its length lies by gigabytes; no range beyond the object is asked for."""
    value = item() + item(b"\1" * 100_000) + item(b"\1" * 8, 0xFFFFFFF0)
    with pytest.raises(DamagedDicomError, match="bytes are missing"):
        await table_of(value)


LIES = {
    "not from zero": pack("<2L", 8, 50),
    "descending": pack("<2L", 50, 0),
    "between two fragments": pack("<2L", 0, 20),
    "behind the end": pack("<2L", 0, 4_000_000_000),
    "too few": pack("<1L", 0),
    "too many": pack("<3L", 0, 42, 84),
    "no whole number of entries": b"\0" * 6,
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_basic_offset_table_that_lies_is_ignored(lie: str) -> None:
    """The fragments tell the frames then."""
    value = item(LIES[lie]) + item(JPEG) * 2 + SEQUENCE_END
    assert joined(value, await table_of(value, 2)) == [JPEG, JPEG]


@pytest.mark.parametrize(
    "extended",
    [
        (pack("<2Q", 0, 1 << 60), pack("<2Q", 34, 34)),
        (pack("<2Q", 0, 42), pack("<2Q", 34, 1 << 63)),
        (pack("<2Q", 0, 42), pack("<2Q", 30, 34)),
        (pack("<2Q", 0, 42), pack("<1Q", 34)),
        (b"\0" * 7, b"\0" * 7),
        (b"", b""),
    ],
)
async def test_an_extended_offset_table_that_lies_is_ignored(extended: tuple[bytes, bytes]) -> None:
    """Numbers that cannot be do no harm."""
    value = item() + item(JPEG) * 2 + SEQUENCE_END
    assert joined(value, await table_of(value, 2, extended=extended)) == [JPEG, JPEG]


async def test_the_last_frame_of_a_table_reaches_to_the_delimiter() -> None:
    """It may have several fragments, like those before it."""
    value = item(pack("<2L", 0, 20)) + item(b"ab") * 2 + item(b"cd") * 3 + SEQUENCE_END
    assert joined(value, await table_of(value, 2)) == [b"abab", b"cdcdcd"]


async def test_fewer_fragments_than_frames_are_not_told_apart() -> None:
    """Pydicom refuses them too; the instance itself stays readable."""
    value = item() + item(JPEG) * 2 + SEQUENCE_END
    assert (await table_of(value, 3)).frames == ()
    with pytest.raises(ValueError, match="fewer fragments than frames"):
        list(generate_frames(value, number_of_frames=3))


async def test_a_video_is_one_frame_of_all_fragments() -> None:
    """Its NumberOfFrames counts pictures inside the stream."""
    value = item() + item(b"ab") + item(b"cd") + SEQUENCE_END
    assert joined(value, await table_of(value, 250, video=True)) == [b"abcd"]


async def test_without_number_of_frames_all_fragments_are_one_frame() -> None:
    """Unless a table says more."""
    value = item() + item(b"ab") + item(b"cd") + SEQUENCE_END
    assert joined(value, await table_of(value, None)) == [b"abcd"]
    value = item(pack("<2L", 0, 10)) + item(b"ab") + item(b"cd") + SEQUENCE_END
    assert joined(value, await table_of(value, None)) == [b"ab", b"cd"]


@given(
    st.lists(st.tuples(st.binary(max_size=12), st.booleans()), min_size=2, max_size=12),
    st.integers(1, 6),
)
async def test_fragments_make_the_frames_that_pydicom_makes(
    parts: list[tuple[bytes, bool]], frames: int
) -> None:
    """Without tables: one to one, all in one, or cut behind each end-of-image marker."""
    value = item() + b"".join(item(part + b"\xff\xd9" * ends) for part, ends in parts) + SEQUENCE_END
    if len(parts) < frames:
        return
    with quiet():
        expected = list(generate_frames(value, number_of_frames=frames))
    assert expected == joined(value, await table_of(value, frames))


@pytest.mark.parametrize("cut", range(1, 60))
async def test_every_cut_is_found_with_and_without_a_table(cut: int) -> None:
    """The sequence delimiter must be there: a table does not excuse it."""
    for table in (b"", pack("<2L", 0, 42)):
        value = item(table) + item(JPEG) * 2 + SEQUENCE_END
        with pytest.raises(DamagedDicomError, match=r"\(7FE0,0010\), offset"):
            await table_of(value[:-cut], 2)


@pytest.mark.slow
async def test_too_many_fragments_are_refused() -> None:
    """A million is the most, in a table or without."""
    with pytest.raises(UnsupportedObjectError, match="1000000 fragments"):
        await table_of(item() + item() * 1_000_001 + SEQUENCE_END)
    with pytest.raises(UnsupportedObjectError, match="1000000 entries"):
        await table_of(item(b"\0" * 4_000_004) + SEQUENCE_END)
