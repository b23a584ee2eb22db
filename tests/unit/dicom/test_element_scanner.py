"""Elements are scanned within caps, and what stands behind a data set is told from damage."""

import tracemalloc
from struct import pack

import orjson
import pytest

from shared.dicom.dicom_json import to_dicom_json
from shared.dicom.element_scanner import ElementScanner
from shared.dicom.elements import BIG_ENDIAN, LITTLE_ENDIAN
from shared.dicom.header import Header, read_header
from shared.dicom.scan_levels import PixelDataFound
from shared.errors import DamagedDicomError, UnsupportedObjectError
from tests.unit.dicom.dicom_files import (
    ITEM_END,
    SEQUENCE_END,
    UNDEFINED,
    RangeReads,
    bundled,
    element,
    item,
    part10,
)

PIXELS = element(0x7FE00010, "OW", b"\1\2" * 50)


async def header_of(data: bytes) -> Header:
    """Read a header by ranges."""
    return await read_header(RangeReads(data), len(data))


@pytest.mark.parametrize("piece", [1, 7, 64, 1000])
@pytest.mark.parametrize(
    "name", ["test_files/reportsi.dcm", "test_files/rtplan.dcm", "test_files/MR_small_expb.dcm"]
)
async def test_the_size_of_pieces_makes_no_difference(name: str, piece: int) -> None:
    """A scan that is fed a few bytes at a time finds what it finds in the whole."""
    data = bundled(name)
    header = await header_of(data)
    encoding = LITTLE_ENDIAN if header.byte_order == "<" else BIG_ENDIAN
    scanner = ElementScanner(header.dataset_offset, len(data), encoding, implicit=header.implicit_vr)
    base = header.dataset_offset
    known = b""
    while (stop := scanner.scan(known, base)) is not None:
        if isinstance(stop, PixelDataFound):
            scanner.pass_pixel_data(stop, stop.length, stop.offset + stop.length)
            continue
        base = stop.start
        known = data[base : max(stop.end, base + piece)]
    assert header.elements == scanner.data_set


@pytest.mark.parametrize(
    "padding",
    [
        b"\0",
        b"\0" * 5,
        b"\0" * 512,
        b"garbage",
        b"\xff" * 300,
        element(0x00091001, "LO", b"", 99),
        PIXELS[:12] + b"\1" * 100,
        PIXELS,
    ],
)
async def test_what_follows_the_pixel_data_may_be_padding(padding: bytes) -> None:
    """Zeros and garbage behind the pixel data are ignored: nothing of the data set is lost with them."""
    header = await header_of(part10(PIXELS, padding))
    assert list(header.elements) == [0x7FE00010]


async def test_elements_behind_the_pixel_data_are_read() -> None:
    """Data Set Trailing Padding and what else follows is part of the data set."""
    header = await header_of(
        part10(PIXELS, element(0xFFFAFFFA, "SQ", item()), element(0xFFFCFFFC, "OB", b"\0\0"))
    )
    assert list(header.elements) == [0x7FE00010, 0xFFFAFFFA, 0xFFFCFFFC]


@pytest.mark.parametrize("zeros", [2, 7, 8, 500, 65536])
async def test_zeros_behind_a_data_set_without_pixel_data_are_padding(zeros: int) -> None:
    """Up to 64 KiB of zeros are no elements."""
    header = await header_of(part10(element(0x00100020, "LO", b"1 "), b"\0" * zeros))
    assert list(header.elements) == [0x00100020]


@pytest.mark.parametrize("rest", [b"\0", b"\x10", b"\0" * 65537, b"\0" * 400 + b"x", b"garbage."])
async def test_other_bytes_behind_it_are_damage(rest: bytes) -> None:
    """One zero may be half a tag; more than 64 KiB of them, or other bytes, are a header that was lost."""
    with pytest.raises(DamagedDicomError, match=r"offset \d+ of \d+"):
        await header_of(part10(element(0x00100020, "LO", b"1 "), rest))


async def test_group_lengths_are_left_out() -> None:
    """They say nothing and DICOM JSON forbids them."""
    header = await header_of(part10(element(0x00080000, "UL", b"\1\0\0\0"), element(0x00080060, "CS", b"MR")))
    assert list(header.elements) == [0x00080060]


def nested(depth: int) -> bytes:
    """Return sequences of undefined length, one inside the other."""
    opened = element(0x00081140, "SQ", b"", UNDEFINED) + item(b"", UNDEFINED)
    return part10(opened * depth, (ITEM_END + SEQUENCE_END) * depth)


async def test_sequences_may_nest_to_a_depth_of_64() -> None:
    """The 65th level is refused, long before Python's or orjson's recursion ends."""
    assert orjson.dumps(to_dicom_json(await header_of(nested(64))).attributes)
    for depth in (65, 300, 20_000):
        with pytest.raises(UnsupportedObjectError, match="64 deep"):
            await header_of(nested(depth))


async def test_a_sequence_may_have_many_items() -> None:
    """20,000 items are read."""
    header = await header_of(
        part10(element(0x00081140, "SQ", item(element(0x00080060, "CS", b"MR")) * 20_000))
    )
    items = header.elements[0x00081140].value
    assert isinstance(items, list)
    assert len(items) == 20_000


@pytest.mark.slow
async def test_too_many_items_are_refused() -> None:
    """A million elements and items are the most."""
    with pytest.raises(UnsupportedObjectError, match="1000000"):
        await header_of(part10(element(0x00081140, "SQ", item() * 1_000_001)))


@pytest.mark.parametrize("vr", ["OB", "UN", "UT", "SQ"])
@pytest.mark.parametrize("length", [0xFFFFFFF0, 0x7FFFFFFF])
async def test_a_lying_length_allocates_nothing(vr: str, length: int) -> None:
    """A value that claims gigabytes is refused before it is fetched."""
    data = part10(element(0x00091001, vr, b"1234", length))
    tracemalloc.start()
    with pytest.raises(DamagedDicomError, match=f"{length} bytes"):
        await header_of(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


async def test_un_of_undefined_length_is_an_implicit_sequence() -> None:
    """PS3.5 6.2.2, also for private elements, also nested."""
    inner = pack("<HHL", 0x09, 0x1002, UNDEFINED) + item(pack("<HHL", 0x10, 0x20, 2) + b"1 ") + SEQUENCE_END
    header = await header_of(part10(element(0x00091001, "UN", item(inner), UNDEFINED), SEQUENCE_END, PIXELS))
    outer = header.elements[0x00091001].value
    assert isinstance(outer, list)
    within = outer[0][0x00091002].value
    assert isinstance(within, list)
    assert within[0][0x00100020].value == b"1 "


async def test_a_nested_compressed_image_is_no_pixel_data_of_the_file() -> None:
    """An icon's fragments are one value of the icon."""
    icon = element(0x7FE00010, "OB", item() + item(b"\1\2"), UNDEFINED) + SEQUENCE_END
    header = await header_of(part10(element(0x00880200, "SQ", item(icon))))
    items = header.elements[0x00880200].value
    assert isinstance(items, list)
    assert items[0][0x7FE00010].value == item() + item(b"\1\2")
    assert header.pixel_layout is None
