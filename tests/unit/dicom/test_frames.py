"""Every frame's bytes are those that pydicom takes out of the pixel data."""

from struct import pack

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless

from shared.dicom.deflate import inflate_data_set
from shared.dicom.frames import frame_bytes
from shared.dicom.header import read_header
from shared.dicom.pixel_layout import PixelLayout, frame_span
from shared.errors import DamagedDicomError, FrameOutOfRangeError
from tests.unit.dicom.dicom_files import (
    RangeReads,
    bundled,
    item,
    pydicom_data_set,
    quiet,
    readable_files,
    saved,
)


async def frames_of(data: bytes) -> list[bytes]:
    """Read the frames of a file one by one, each by its own range."""
    layout = (await read_header(RangeReads(data), len(data))).pixel_layout
    if layout is None:
        return []
    if layout.deflated_offset is not None:
        data = await inflate_data_set(RangeReads(data), layout.deflated_offset, len(data))
    return [
        frame_bytes(layout, number, data[slice(*frame_span(layout, number))])
        for number in range(1, layout.number_of_frames + 1)
    ]


def pydicom_frames(data_set: Dataset) -> list[bytes]:
    """Return the frames as pydicom cuts the value."""
    element = next((data_set.get_item(tag) for tag in (0x7FE00010, 0x7FE00008) if tag in data_set), None)
    if element is None:
        return []
    count = int(data_set.NumberOfFrames or 1) if str(data_set.get("NumberOfFrames", "")).isdigit() else 1
    value = element.value
    if data_set["PixelData"].is_undefined_length:
        extended = None
        if "ExtendedOffsetTable" in data_set:
            extended = (data_set.ExtendedOffsetTable, data_set.ExtendedOffsetTableLengths)
        return list(generate_frames(value, number_of_frames=count, extended_offsets=extended))
    if "Rows" not in data_set:
        return [value]
    samples = (
        2 if data_set.PhotometricInterpretation == "YBR_FULL_422" else data_set.get("SamplesPerPixel", 1)
    )
    length = data_set.Rows * data_set.Columns * samples * data_set.BitsAllocated // 8
    return [value[length * index : length * (index + 1)] for index in range(count)]


def image(pixel_data: bytes, frames: int, *, rows: int = 4, columns: int = 4, bits: int = 8) -> Dataset:
    """Return a multi-frame data set around pixel data, native until its transfer syntax is changed."""
    data_set = Dataset()
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data_set.SOPClassUID = data_set.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7.2"
    data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    data_set.SamplesPerPixel = 1
    data_set.PhotometricInterpretation = "MONOCHROME2"
    data_set.NumberOfFrames = frames
    data_set.Rows, data_set.Columns = rows, columns
    data_set.BitsAllocated = data_set.BitsStored = bits
    data_set.HighBit, data_set.PixelRepresentation = bits - 1, 0
    data_set.PixelData = pixel_data
    data_set["PixelData"].VR = "OB"
    return data_set


def encapsulated(frames: list[bytes], pixel_data: bytes, syntax: str = JPEGBaseline8Bit) -> Dataset:
    """Return a multi-frame data set around an encapsulated value."""
    data_set = image(pixel_data, len(frames))
    data_set.file_meta.TransferSyntaxUID = syntax
    data_set["PixelData"].is_undefined_length = True
    return data_set


def jpegs(count: int, length: int = 40) -> list[bytes]:
    """Return codestreams of even length that end as JPEG does."""
    return [
        b"\xff\xd8" + bytes([index % 251]) * (length + 2 * (index % 7)) + b"\xff\xd9"
        for index in range(count)
    ]


@pytest.mark.parametrize("name", readable_files())
async def test_frames_of_bundled_files_are_those_of_pydicom(name: str) -> None:
    """Native, RLE, JPEG, JPEG-LS, JPEG 2000, deflated, big endian, one frame or many."""
    data = bundled(name)
    with quiet():
        expected = pydicom_frames(pydicom_data_set(data))
    assert expected == await frames_of(data)


@pytest.mark.parametrize("has_bot", [True, False])
@pytest.mark.parametrize("fragments", [1, 3])
@pytest.mark.parametrize("count", [1, 2, 7])
async def test_frames_are_found_with_and_without_a_basic_offset_table(
    *, count: int, fragments: int, has_bot: bool
) -> None:
    """A frame is its fragments joined, whether a table or the end-of-image marker tells where it ends."""
    data_set = encapsulated(
        jpegs(count), encapsulate(jpegs(count), fragments_per_frame=fragments, has_bot=has_bot)
    )
    expected = pydicom_frames(data_set)
    assert expected == await frames_of(saved(data_set))


async def test_frames_are_found_by_the_extended_offset_table() -> None:
    """Offsets and lengths of (7FE0,0001) and (7FE0,0002) name the frames."""
    frames = [b"\1" * length for length in (4, 8, 6, 600)]
    data_set = encapsulated(frames, b"", RLELossless)
    data_set.PixelData, data_set.ExtendedOffsetTable, data_set.ExtendedOffsetTableLengths = (
        encapsulate_extended(frames)
    )
    data_set["PixelData"].is_undefined_length = True
    assert pydicom_frames(data_set) == await frames_of(saved(data_set))


async def test_lengths_of_the_extended_offset_table_may_leave_padding_out() -> None:
    """A frame of three bytes in a fragment of four has three bytes, as pydicom reads it."""
    frames = [b"\1\2\3", b"\4\5\6\7", b"\x08"]
    data_set = encapsulated(frames, b"", RLELossless)
    data_set.PixelData, data_set.ExtendedOffsetTable, _ = encapsulate_extended(frames)
    data_set.ExtendedOffsetTableLengths = pack("<3Q", 3, 4, 1)
    data_set["PixelData"].is_undefined_length = True
    assert frames == pydicom_frames(data_set)
    assert frames == await frames_of(saved(data_set))


async def test_frames_of_a_bit_packed_image_are_cut_between_bits() -> None:
    """Three frames of 5 x 3 pixels are 45 bits; each frame is what pydicom unpacks, packed again from bit 0."""
    packed = np.packbits(
        np.random.default_rng(1).integers(0, 2, 48, dtype=np.uint8), bitorder="little"
    ).tobytes()
    data_set = image(packed, 3, rows=5, columns=3, bits=1)
    frames = await frames_of(saved(data_set))
    unpacked = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
    expected = [np.packbits(unpacked[15 * i : 15 * i + 15], bitorder="little").tobytes() for i in range(3)]
    assert expected == frames


async def test_float_pixel_data_has_frames() -> None:
    """(7FE0,0008) is cut like integer pixel data."""
    data_set = image(b"", 2, rows=1, columns=2, bits=32)
    del data_set.PixelData
    data_set.FloatPixelData = pack("<4f", 1, 2, 3, 4)
    assert [pack("<2f", 1, 2), pack("<2f", 3, 4)] == await frames_of(saved(data_set))


def native(number_of_frames: int, *, length: int = 64) -> PixelLayout:
    """Return the layout of native frames of 16 bytes."""
    return PixelLayout(
        0x7FE00010, 1000, length, encapsulated=False, number_of_frames=number_of_frames, frame_bits=128
    )


@pytest.mark.parametrize("frame_number", [0, -1, 5])
def test_there_are_frames_1_to_n(frame_number: int) -> None:
    """Any other number is out of range, and the message says the range."""
    with pytest.raises(FrameOutOfRangeError, match="1 to 4"):
        frame_span(native(4), frame_number)


def test_a_frame_that_the_pixel_data_is_too_short_for_is_refused() -> None:
    """NumberOfFrames may promise more than there is."""
    assert frame_span(native(5), 4) == (1048, 1064)
    with pytest.raises(DamagedDicomError, match="only 64 bytes"):
        frame_span(native(5), 5)


def test_a_span_that_came_short_is_refused() -> None:
    """Fewer bytes than the frame has are never a frame."""
    with pytest.raises(DamagedDicomError, match="15 came"):
        frame_bytes(native(4), 1, b"\0" * 15)


@pytest.mark.parametrize("span", [b"\0" * 20, item(b"\1" * 10, 14) + b"\0\0", item(b"\1" * 6) + b"\0" * 6])
def test_a_span_that_is_no_fragments_is_refused(span: bytes) -> None:
    """An offset table that lies about a frame in the middle is found out when the frame is read."""
    layout = PixelLayout(0x7FE00010, 0, 40, encapsulated=True, number_of_frames=1, frames=((8, 20),))
    with pytest.raises(DamagedDicomError, match="Frame 1 is damaged at offset"):
        frame_bytes(layout, 1, span)
