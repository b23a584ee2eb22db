"""A window reads ahead while it moves on, and little after a jump."""

import pytest

from shared.dicom.byte_window import ByteWindow
from shared.errors import ObjectChangedError, UnsupportedObjectError
from tests.unit.dicom.dicom_files import RangeReads

DATA = bytes(range(256)) * 4000


async def test_reads_double_while_they_are_contiguous() -> None:
    """64 KiB, then 128, then 256, and the bytes that are still wanted are kept."""
    reads = RangeReads(DATA)
    window = ByteWindow(reads, len(DATA))
    for start in (0, 65_000, 190_000):
        await window.load(start, start + 10_000)
        assert DATA[start : start + 10_000] == window.data[start - window.start :][:10_000]
    assert reads.ranges == [(0, 65_536), (65_536, 196_608), (196_608, 458_752)]


async def test_a_jump_begins_small_again() -> None:
    """Behind a large value 64 KiB are read, however much was read before it."""
    reads = RangeReads(DATA)
    window = ByteWindow(reads, len(DATA))
    await window.load(0, 10)
    await window.load(65_000, 70_000)
    await window.load(900_000, 900_008)
    assert reads.ranges[-1] == (900_000, 965_536)


async def test_nothing_is_read_beyond_the_end() -> None:
    """The last read ends with the object, and behind it there is none."""
    reads = RangeReads(DATA[:100])
    window = ByteWindow(reads, 100)
    await window.load(50, 200)
    await window.load(100, 108)
    await window.load(4_000_000_000, 4_000_000_008)
    assert (reads.ranges, window.end) == ([(50, 100)], 100)


async def test_what_is_in_hand_is_not_read_again() -> None:
    """Neither by load nor by fetch."""
    reads = RangeReads(DATA)
    window = ByteWindow(reads, len(DATA), data=DATA[:1000])
    await window.load(10, 1000)
    assert await window.fetch(990, 1000) == DATA[990:1000]
    assert reads.ranges == []


async def test_a_short_read_is_a_changed_object() -> None:
    """The object is not what it was when its size was asked for."""
    window = ByteWindow(RangeReads(DATA[:50]), 100)
    with pytest.raises(ObjectChangedError, match=r"0 to 100 .* only 50 came"):
        await window.load(0, 100)


async def test_the_budget_bounds_what_is_read() -> None:
    """One byte more is refused."""
    window = ByteWindow(RangeReads(DATA), len(DATA), budget=65_536)
    await window.load(0, 10)
    with pytest.raises(UnsupportedObjectError, match=r"65536 bytes .* offset 500000"):
        await window.fetch(500_000, 500_001)
