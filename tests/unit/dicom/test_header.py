"""Headers are read exactly as pydicom reads the whole file, or refused with a reason."""

import asyncio
import zlib
from struct import pack

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.dicom import header
from shared.dicom.dicom_json import to_dicom_json
from shared.dicom.frames import frame_bytes
from shared.dicom.header import Header, read_header
from shared.dicom.limits import SCANNED_AT_ONCE
from shared.dicom.pixel_layout import frame_span
from shared.errors import (
    DamagedDicomError,
    NotDicomError,
    ObjectChangedError,
    RejectedInstanceError,
)
from tests.unit.dicom.dicom_files import (
    ITEM_END,
    REFUSED,
    SEQUENCE_END,
    UNDEFINED,
    RangeReads,
    bundled,
    element,
    item,
    part10,
    pydicom_data_set,
    readable_files,
)

PIXELS = element(0x7FE00010, "OW", b"\1\2" * 50)
DEFLATED = "1.2.840.10008.1.2.1.99"
CUT_FILES = [
    "test_files/CT_small.dcm",
    "test_files/MR_small_implicit.dcm",
    "test_files/MR_small_bigendian.dcm",
    "test_files/JPEG2000.dcm",
    "test_files/SC_rgb_rle_2frame.dcm",
    "test_files/reportsi.dcm",
    "test_files/rtplan.dcm",
    "test_files/ExplVR_LitEndNoMeta.dcm",
    "charset_files/chrSQEncoding.dcm",
]


async def header_of(data: bytes) -> Header:
    """Read a header by ranges."""
    return await read_header(RangeReads(data), len(data))


@pytest.mark.parametrize("at_once", [1, 60, 1000])
@pytest.mark.parametrize("name", [*CUT_FILES, "test_files/nested_priv_SQ.dcm", "test_files/waveform_ecg.dcm"])
async def test_what_is_in_hand_is_read_in_pieces(
    name: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little of a header is scanned at once, it is the same header."""
    data = bundled(name)
    expected = await header_of(data)

    monkeypatch.setattr(header, "SCANNED_AT_ONCE", at_once)
    reads = RangeReads(data)

    assert expected == await read_header(reads, len(data), first=data)
    assert expected == await header_of(data)


async def test_a_long_header_leaves_others_their_turn() -> None:
    """A header of a hundred thousand elements, all of it in hand, does not hold up what else is to be done."""
    elements = b"".join(element(0x00110000 | number, "US", b"\1\0") for number in range(0x1000, 0xF000)) * 2
    data = part10(elements)
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(take_turns())
    await read_header(RangeReads(data), len(data), first=data)
    others.cancel()

    assert turns >= len(data) // SCANNED_AT_ONCE


@pytest.mark.parametrize("name", readable_files())
async def test_finds_the_elements_that_pydicom_finds(name: str) -> None:
    """Tags, but for group lengths, are pydicom's, in its order."""
    data = bundled(name)
    tags = pydicom_data_set(data).keys()
    expected = [tag for tag in tags if tag & 0xFFFF]
    assert expected == list((await header_of(data)).elements)


@pytest.mark.parametrize("name", REFUSED)
async def test_refuses_files_that_are_not_complete(name: str) -> None:
    """The files that end too early, or are none, are refused for the reason that is listed."""
    data = bundled(name)
    with pytest.raises(RejectedInstanceError) as refused:
        await header_of(data)
    assert REFUSED[name].split(":")[0] == type(refused.value).__name__


@pytest.mark.parametrize("name", CUT_FILES)
@pytest.mark.slow
async def test_never_returns_part_of_a_header(name: str) -> None:
    """A file cut at any byte before the end of its pixel data is refused, or its last element was just complete.

    A cut between two elements cannot be told from a complete file without pixel data.
    """
    data = bundled(name)
    whole = await header_of(data)
    layout = whole.pixel_layout
    complete_from = layout.offset + layout.length if layout else len(data)
    expected = list(whole.elements.items())
    header_end = layout.offset + 300 if layout else complete_from
    silent = 0
    for cut in [*range(whole.dataset_offset, min(header_end, complete_from)), complete_from - 1]:
        try:
            header = await header_of(data[:cut])
        except RejectedInstanceError:
            continue
        silent += 1
        assert header.pixel_layout is None
        assert expected[: len(header.elements)] == list(header.elements.items())
        following = expected[len(header.elements)][1]
        assert following.offset - cut in (8, 12)
    assert silent <= len(expected)


async def test_a_large_value_costs_two_small_reads() -> None:
    """100 MB before the pixel data are passed over: their offset and length are kept, not their bytes."""
    length = 100_000_000
    head = part10(element(0x00091001, "OB", b"", length))
    tail = element(0x00280010, "US", b"\2\0") + PIXELS
    ranges: list[tuple[int, int]] = []

    async def fetch(start: int, end: int) -> bytes:
        ranges.append((start, end))
        filler = bytes(max(0, min(end, len(head) + length) - max(start, len(head))))
        return (
            head[start:end]
            + filler
            + tail[max(0, start - len(head) - length) : max(0, end - len(head) - length)]
        )

    header = await read_header(fetch, len(head) + length + len(tail))
    large = header.elements[0x00091001]
    assert (len(head), length, None) == (large.offset, large.length, large.value)
    assert header.integer(0x00280010) == 2
    assert len(ranges) == 2
    assert sum(end - start for start, end in ranges) < 200_000


async def test_reads_nothing_when_the_object_is_in_hand() -> None:
    """Bytes that are given are not fetched, whatever the encoding."""
    for name in ("test_files/CT_small.dcm", "test_files/image_dfl.dcm", "test_files/examples_ybr_color.dcm"):
        data = bundled(name)
        reads = RangeReads(data)
        await read_header(reads, len(data), first=data)
        assert reads.ranges == []


async def test_an_ordinary_header_costs_one_read() -> None:
    """Header and pixel data's end lie behind one read of 64 KiB when nothing follows the pixel data."""
    data = part10(element(0x00100020, "LO", b"1 "), element(0x7FE00010, "OW", bytes(1_000_000)))
    reads = RangeReads(data)
    await read_header(reads, len(data))
    assert reads.ranges == [(0, 65536)]


async def test_says_what_is_missing_and_where() -> None:
    """The message of a file that ends too early has tag, offset, size and number of bytes."""
    data = part10(element(0x00100020, "LO", b"1234"))
    with pytest.raises(
        DamagedDicomError, match=rf"\(0010,0020\), offset {len(data) - 12} of {len(data) - 3}.* 3 bytes"
    ):
        await header_of(data[:-3])


async def test_native_pixel_data_must_lie_inside_the_object() -> None:
    """Its missing bytes are counted."""
    with pytest.raises(DamagedDicomError, match=r"\(7FE0,0010\).* the last 7 are missing"):
        await header_of(part10(PIXELS)[:-7])


async def test_encapsulated_pixel_data_must_have_its_delimiter() -> None:
    """A file that ends behind a whole fragment is cut short nevertheless."""
    pixels = element(0x7FE00010, "OB", item() + item(b"\1" * 100), UNDEFINED)
    assert (await header_of(part10(pixels, SEQUENCE_END))).pixel_layout is not None
    with pytest.raises(DamagedDicomError, match="7FE0,0010"):
        await header_of(part10(pixels))


async def test_an_object_that_is_shorter_than_said_was_changed() -> None:
    """Trying again may help then."""
    with pytest.raises(ObjectChangedError):
        await read_header(RangeReads(part10(PIXELS)), 100_000)


async def test_an_empty_object_is_no_dicom() -> None:
    """Zero bytes are refused by name."""
    with pytest.raises(NotDicomError, match="empty"):
        await header_of(b"")


async def test_a_deflated_data_set_is_inflated_and_says_so() -> None:
    """Offsets count in the inflated bytes."""
    body = element(0x00280010, "US", b"\2\0") + PIXELS
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    data = part10(deflater.compress(body) + deflater.flush(), transfer_syntax_uid=DEFLATED)
    header = await header_of(data)
    layout = header.pixel_layout
    assert layout is not None
    assert (header.deflated, layout.deflated_offset) == (True, header.dataset_offset)
    assert body[layout.offset : layout.offset + layout.length] == b"\1\2" * 50


async def test_text_is_decoded_stripped_and_the_first() -> None:
    """By the data set's character set."""
    header = await header_of(
        part10(
            element(0x00080005, "CS", b"ISO_IR 192"),
            element(0x00080080, "LO", "Köln \\Bonn ".encode()),
            element(0x00100020, "LO", b"  "),
        )
    )
    assert header.text(0x00080080) == "Köln"
    assert (header.text(0x00100020), header.has(0x00100020)) == (None, True)
    assert (header.text(0x00100030), header.has(0x00100030)) == (None, False)


async def test_meta_may_say_explicit_and_the_body_be_implicit() -> None:
    """The first element outweighs the transfer syntax, both ways."""
    implicit = part10(pack("<HHL", 0x10, 0x20, 4) + b"1234")
    header = await header_of(implicit)
    assert (header.implicit_vr, header.text(0x00100020)) == (True, "1234")
    explicit = part10(element(0x00100020, "LO", b"1234"), transfer_syntax_uid="1.2.840.10008.1.2")
    header = await header_of(explicit)
    assert (header.implicit_vr, header.text(0x00100020)) == (False, "1234")


SEEDS = [bundled(name) for name in readable_files() if len(bundled(name)) < 12_000]
INSERTED = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            item(),
            ITEM_END,
            SEQUENCE_END,
            b"\xff" * 4,
            b"\xf0\xff\xff\xff",
            b"SQ",
            b"UN",
            b"OB",
            b"\xe0\x7f\x10\0",
        ]
    ),
)
EDITS = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 20), INSERTED), max_size=6)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(SEEDS), EDITS, st.integers(0, 400))
async def test_whatever_is_in_a_file_it_is_read_or_refused(
    seed: bytes, edits: list[tuple[int, int, bytes]], cut: int
) -> None:
    """Mutated and truncated files are converted to valid JSON, or refused by an error of this product."""
    data = seed
    for at, removed, inserted in edits:
        data = data[:at] + inserted + data[at + removed :]
    data = data[: len(data) - cut]
    reads = RangeReads(data)
    try:
        header = await read_header(reads, len(data))
        attributes, bulk = to_dicom_json(header)
        layout = header.pixel_layout
        if layout is not None and not header.deflated:
            start, end = frame_span(layout, 1)
            frame_bytes(layout, 1, data[start:end])
    except RejectedInstanceError:
        return
    assert orjson.loads(orjson.dumps(attributes)) == attributes
    assert header.deflated or all(value.offset + value.length <= len(data) for value in bulk.values())
    assert all(0 <= start < end <= len(data) for start, end in reads.ranges)
