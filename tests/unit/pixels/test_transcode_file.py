"""A transcoded file holds the same pixels and the same attributes, as pydicom reads both."""

import asyncio
import io
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames

from shared.dicom.frame_media_types import JPEG_2000_LOSSLESS
from shared.dicom.header import Header
from shared.dicom.tags import EXPLICIT_VR_LITTLE_ENDIAN
from shared.errors import DamagedDicomError, NotAcceptableError
from shared.flows._posted_header import inflate_posted, posted_header
from shared.pixels.transcode_file import EncodedFrames, transcode_file
from tests.unit.pixels.images import DATA, bundled_images, described
from tests.unit.pixels.test_decode_frame import NOT_DECODED

IMAGES = {
    name: data_set
    for name, data_set in bundled_images()
    if name not in NOT_DECODED or name in {"SC_rgb_jpeg_gdcm.dcm", "SC_rgb_small_odd_big_endian.dcm"}
}
CHANGED = {
    "",  # group lengths, which are retired
    "PixelData",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
}


def transcode(data: bytes, target: str, encoded: EncodedFrames | None = None) -> bytes:
    """Return a file in another transfer syntax."""

    async def read() -> tuple[Header, bytes]:
        header = await posted_header(data)
        return header, await inflate_posted(data, header) if header.deflated else data

    header, content = asyncio.run(read())
    return transcode_file(header, content, data, target, encoded=encoded)


def transcoded(name: str, target: str) -> Any:
    """Return the data set of a bundled file, transcoded, as pydicom reads it."""
    data_set = IMAGES[name]
    encoded = None
    if data_set.file_meta.TransferSyntaxUID.is_encapsulated:
        count = int(data_set.get("NumberOfFrames") or 1)
        frames = list(generate_frames(data_set.PixelData, number_of_frames=count))
        encoded = EncodedFrames(described(data_set), frames)
    elif target == JPEG_2000_LOSSLESS:
        encoded = EncodedFrames(described(data_set), [data_set.PixelData])
    data = transcode((DATA / name).read_bytes(), target, encoded)
    read = pydicom.dcmread(io.BytesIO(data))
    assert read.file_meta.TransferSyntaxUID == target
    return read


def pixels_of(name: str) -> Any:
    """Return the pixels of a bundled file; of lossless JPEG by a file of the same picture that pydicom decodes."""
    return IMAGES["SC_rgb_rle.dcm" if name == "SC_rgb_jpeg_gdcm.dcm" else name].pixel_array


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_explicit_little_endian_holds_the_same(name: str) -> None:
    """Pixels to the last bit, and every other attribute."""
    before, after = IMAGES[name], transcoded(name, EXPLICIT_VR_LITTLE_ENDIAN)

    assert np.array_equal(pixels_of(name), after.pixel_array)
    assert len(after.PixelData) % 2 == 0
    if before.BitsAllocated > 8:
        assert after["PixelData"].VR == "OW"
    assert {element.keyword for element in before} - {element.keyword for element in after} <= CHANGED
    if before.original_encoding[1]:
        for element in before:
            if element.keyword not in CHANGED:
                assert element == after[element.tag]


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "MR_small_implicit.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_RLE.dcm",
        "SC_rgb_rle.dcm",
        "examples_ybr_color.dcm",
    ],
)
def test_jpeg_2000_holds_the_same_pixels(name: str) -> None:
    """Nothing is lost, and the instance stays the same one."""
    after = transcoded(name, JPEG_2000_LOSSLESS)

    assert np.array_equal(pixels_of(name), after.pixel_array)
    assert after.SOPInstanceUID == IMAGES[name].SOPInstanceUID


def test_what_jpeg_2000_cannot_hold_is_not_acceptable() -> None:
    """Deeper than 16 bits, no pixels at all, or fewer than the encoder takes."""
    for name in ("rtdose.dcm", "rtplan.dcm", "SC_rgb_small_odd.dcm"):
        data = (DATA / name).read_bytes()
        with pytest.raises(NotAcceptableError, match=r"transfer-syntax=\*"):
            transcode(data, JPEG_2000_LOSSLESS)


def test_big_endian_tables_are_turned_too() -> None:
    """Words of any binary value, at any depth, not of the pixels only."""
    data_set = pydicom.dcmread(DATA / "MR_small_bigendian.dcm")
    item = pydicom.Dataset()
    item.LUTDescriptor = [4, 0, 16]
    item.add_new(0x00283006, "OW", b"\x00\x01\x00\x02\x00\x03\x00\x04")
    data_set.VOILUTSequence = [item]
    buffer = io.BytesIO()
    data_set.save_as(buffer)

    data = transcode(buffer.getvalue(), EXPLICIT_VR_LITTLE_ENDIAN)

    [read] = pydicom.dcmread(io.BytesIO(data)).VOILUTSequence
    assert read.LUTData == b"\x01\x00\x02\x00\x03\x00\x04\x00"
    assert read.LUTDescriptor == [4, 0, 16]


def test_words_of_every_vr_are_turned_at_any_depth() -> None:
    """Numbers of 2, 4 and 8 bytes, tags, and private ones; text and bytes stay."""
    values: dict[tuple[int, str], Any] = {
        (0x00280106, "US"): 1, (0x00280107, "SS"): -2, (0x00091001, "UL"): [3, 4], (0x00091002, "SL"): -5,
        (0x00091003, "FL"): 1.5, (0x00091004, "FD"): -2.5, (0x00091005, "SV"): -6, (0x00091006, "UV"): 7,
        (0x00280009, "AT"): 0x00181063, (0x00091007, "OB"): b"\1\2", (0x00091008, "LO"): "text",
        (0x00090010, "LO"): "ACME",
    }  # fmt: skip
    data_set = pydicom.dcmread(DATA / "MR_small_bigendian.dcm")
    innermost = pydicom.Dataset()
    for (tag, vr), value in values.items():
        innermost.add_new(tag, vr, value)
    middle = pydicom.Dataset()
    middle.ReferencedSeriesSequence = [innermost]
    data_set.ReferencedSeriesSequence = [middle]
    buffer = io.BytesIO()
    data_set.save_as(buffer)

    data = transcode(buffer.getvalue(), EXPLICIT_VR_LITTLE_ENDIAN)

    read = pydicom.dcmread(io.BytesIO(data)).ReferencedSeriesSequence[0].ReferencedSeriesSequence[0]
    assert {(int(element.tag), element.VR): element.value for element in read} == values


def test_a_compressed_icon_stays_compressed() -> None:
    """Only the frames of the instance itself are decoded; the icon's fragments keep their delimiter."""
    data_set = pydicom.dcmread(DATA / "MR_small_RLE.dcm")
    icon = pydicom.Dataset()
    icon.Rows, icon.Columns = 2, 2
    icon.PixelData = encapsulate([b"\1\2\3\4"])
    icon["PixelData"].VR = "OB"
    icon["PixelData"].is_undefined_length = True
    data_set.IconImageSequence = [icon]
    buffer = io.BytesIO()
    data_set.save_as(buffer)
    frames = list(generate_frames(data_set.PixelData, number_of_frames=1))
    encoded = EncodedFrames(described(data_set), frames)

    read = pydicom.dcmread(io.BytesIO(transcode(buffer.getvalue(), EXPLICIT_VR_LITTLE_ENDIAN, encoded)))

    assert read.IconImageSequence[0].PixelData == icon.PixelData
    assert np.array_equal(read.pixel_array, data_set.pixel_array)


def test_preamble_file_meta_and_what_follows_the_pixels_stay() -> None:
    """Only the transfer syntax and the length of the meta information change."""
    data_set = pydicom.dcmread(DATA / "MR_small_bigendian.dcm")
    data_set.preamble = b"II*\0" + bytes(124)
    data_set.file_meta.SourceApplicationEntityTitle = "SCANNER"
    data_set.add_new(0xFFFCFFFC, "OB", b"\0\0")
    buffer = io.BytesIO()
    data_set.save_as(buffer)

    read = pydicom.dcmread(io.BytesIO(transcode(buffer.getvalue(), EXPLICIT_VR_LITTLE_ENDIAN)))

    assert read.preamble == data_set.preamble
    changed = {"TransferSyntaxUID", "FileMetaInformationGroupLength"}
    for element in data_set.file_meta:
        assert element.keyword in changed or read.file_meta[element.tag] == element
    assert 0xFFFCFFFC in read


def test_a_damaged_frame_is_told() -> None:
    """With what to ask for instead."""
    data_set = IMAGES["MR_small_RLE.dcm"]
    encoded = EncodedFrames(described(data_set), [b"\0" * 64])

    with pytest.raises(DamagedDicomError):
        transcode((DATA / "MR_small_RLE.dcm").read_bytes(), EXPLICIT_VR_LITTLE_ENDIAN, encoded)
