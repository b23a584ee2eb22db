"""Frames come out as pydicom decodes them, and what is no frame is refused before it costs anything."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imagecodecs import jpeg8_encode
from pydicom.uid import (
    MPEG2MPML,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    RLELossless,
)

from shared.errors import AppError, DamagedDicomError, NotAcceptableError
from shared.pixels.codestream import jpeg2000_dimensions, jpeg_dimensions
from shared.pixels.decode_frame import can_decode, decode_frame
from shared.pixels.image_attributes import MAX_FRAME_BYTES, image_attributes
from tests.unit.pixels.images import bundled_images, described, first_frame, grey_attributes

IMAGES = dict(bundled_images())
NOT_DECODED = {
    "JPEG-lossy.dcm": "12-bit JPEG Extended, for which pydicom has a decoder under the GPL only",
    "JPGExtended.dcm": "the same",
    "JPEG2000-embedded-sequence-delimiter.dcm": "pydicom splits its frame at the delimiter within",
    "MR_truncated.dcm": "cut short",
    "SC_rgb_small_odd_big_endian.dcm": "its frame of odd length ends within a swapped word",
    "SC_rgb_jpeg_gdcm.dcm": "lossless JPEG, for which pydicom has a decoder only that is under the GPL or ends the process",
    "badVR.dcm": "its attributes are no numbers",
    "nested_priv_SQ.dcm": "it has no Image Pixel Module",
}


@pytest.mark.parametrize("name", sorted(IMAGES.keys() - NOT_DECODED.keys()))
def test_a_bundled_frame_equals_pydicoms(name: str) -> None:
    """Every transfer syntax, depth, sign, planar configuration and colour space there is a bundled file of."""
    data_set = IMAGES[name]
    expected = data_set.pixel_array
    if int(data_set.get("NumberOfFrames") or 1) > 1:
        expected = expected[0]

    decoded = decode_frame(
        first_frame(data_set), described(data_set), str(data_set.file_meta.TransferSyntaxUID)
    )

    assert decoded.pixels.dtype == expected.dtype
    assert np.array_equal(expected, decoded.pixels)


@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "JPGExtended.dcm"])
def test_twelve_bit_jpeg_is_decoded(name: str) -> None:
    """The values are those that pydicom's own tests hold its decoders to."""
    data_set = IMAGES[name]

    pixels = decode_frame(first_frame(data_set), described(data_set), JPEGExtended12Bit).pixels

    assert pixels.shape == (1024, 256)
    assert pixels.dtype == np.uint16
    assert (int(pixels[420, 140]), int(pixels[230, 120])) == (244, 95)


def test_lossless_jpeg_is_decoded() -> None:
    """The file is the same picture as another one in RLE, of which pydicom knows the pixels."""
    data_set = IMAGES["SC_rgb_jpeg_gdcm.dcm"]

    pixels = decode_frame(first_frame(data_set), described(data_set), JPEGLosslessSV1).pixels

    assert np.array_equal(IMAGES["SC_rgb_rle.dcm"].pixel_array, pixels)


@pytest.mark.parametrize(("bits_stored", "signed"), [(8, 0), (12, 0), (12, 1), (16, 0), (16, 1)])
@pytest.mark.parametrize("predictor", [1, 4, 7])
def test_lossless_jpeg_gives_back_what_was_encoded(bits_stored: int, signed: int, predictor: int) -> None:
    """Any predictor, any depth; negative values come back negative."""
    values = np.arange(-600, 600).reshape(30, 40) * (1 if bits_stored < 16 else 50)
    values = values if signed else values - values.min()
    values = values % 256 if bits_stored == 8 else values
    codes = (values & (2**bits_stored - 1)).astype(np.uint8 if bits_stored == 8 else np.uint16)
    frame = bytes(jpeg8_encode(codes, lossless=True, predictor=predictor, bitspersample=bits_stored))
    changes = {"t00280010": 30, "t00280011": 40, "t00280101": bits_stored, "t00280103": signed}
    image = image_attributes(grey_attributes(**changes), pixel_tag=0x7FE00010, pixel_vr="OB")

    decoded = decode_frame(frame, image, JPEGLossless)

    assert np.array_equal(values, decoded.pixels)


def test_colours_are_told_to_be_rgb_once_decoded() -> None:
    """A reader of the pixels must not convert them again."""
    data_set = IMAGES["examples_ybr_color.dcm"]
    assert data_set.PhotometricInterpretation.startswith("YBR")

    decoded = decode_frame(first_frame(data_set), described(data_set), JPEGBaseline8Bit)

    assert decoded.photometric_interpretation == "RGB"


def test_a_syntax_without_decoder_is_not_acceptable() -> None:
    """The text says what to ask for instead."""
    image = image_attributes(grey_attributes(), pixel_tag=0x7FE00010, pixel_vr="OB")

    assert not can_decode(MPEG2MPML)
    with pytest.raises(NotAcceptableError, match=r"transfer-syntax=\*"):
        decode_frame(b"", image, MPEG2MPML)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"t00280010": None}, DamagedDicomError),
        ({"t00280010": 0}, DamagedDicomError),
        ({"t00280010": -1}, DamagedDicomError),
        ({"t00280010": "2"}, DamagedDicomError),
        ({"t00280011": 65536}, DamagedDicomError),
        ({"t00280002": 3}, DamagedDicomError),
        ({"t00280002": 255}, DamagedDicomError),
        ({"t00280004": "RGB"}, DamagedDicomError),
        ({"t00280004": "HSV"}, DamagedDicomError),
        ({"t00280100": 12}, DamagedDicomError),
        ({"t00280101": 17}, DamagedDicomError),
        ({"t00280103": 2}, DamagedDicomError),
        ({"t00280010": 65535, "t00280011": 65535}, NotAcceptableError),
    ],
)
def test_attributes_that_describe_no_image_are_refused(
    changes: dict[str, Any], error: type[AppError]
) -> None:
    """So is a frame that would be larger than the limit; none of it is allocated."""
    with pytest.raises(error):
        image_attributes(grey_attributes(**changes), pixel_tag=0x7FE00010, pixel_vr="OW")


def test_a_frame_of_just_the_limit_is_taken() -> None:
    """The limit is on the decoded bytes."""
    changes = {"t00280010": 16384, "t00280011": MAX_FRAME_BYTES // 2 // 16384}

    image = image_attributes(grey_attributes(**changes), pixel_tag=0x7FE00010, pixel_vr="OW")

    assert image.decoded_length == MAX_FRAME_BYTES


@pytest.mark.parametrize(
    ("name", "transfer_syntax_uid"),
    [
        ("JPEG2000.dcm", JPEG2000Lossless),
        ("SC_rgb_jpeg_dcmtk.dcm", JPEGBaseline8Bit),
    ],
)
def test_a_stream_that_states_other_dimensions_never_reaches_a_decoder(
    name: str, transfer_syntax_uid: str
) -> None:
    """A decoder allocates what the stream states, so it must be what was checked."""
    frame = bytearray(first_frame(IMAGES[name]))
    read = jpeg2000_dimensions if name == "JPEG2000.dcm" else jpeg_dimensions
    stated = read(bytes(frame))
    image = described(IMAGES[name])
    assert stated is not None
    assert stated[:3] == (image.rows, image.columns, image.samples_per_pixel)
    width = 4 if name == "JPEG2000.dcm" else 2
    at = frame.index(image.rows.to_bytes(width))
    frame[at : at + width] = (65000).to_bytes(width)

    with pytest.raises(DamagedDicomError, match="does not state the dimensions"):
        decode_frame(bytes(frame), image, transfer_syntax_uid)


@pytest.mark.parametrize("frame", [b"", b"\0" * 11, b"\xff\xd8\xff"])
def test_too_few_bytes_are_no_frame(frame: bytes) -> None:
    """Native or compressed: what is missing is not made up."""
    image = image_attributes(grey_attributes(), pixel_tag=0x7FE00010, pixel_vr="OW")

    for transfer_syntax_uid in (ExplicitVRLittleEndian, RLELossless, JPEGBaseline8Bit, JPEG2000Lossless):
        with pytest.raises(DamagedDicomError):
            decode_frame(frame, image, transfer_syntax_uid)


COMPRESSED = (
    "JPEG2000.dcm",
    "JPEG-lossy.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_RLE.dcm",
)


@pytest.mark.parametrize("name", COMPRESSED)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_stream_decodes_or_is_refused(name: str, changes: list[tuple[int, int]]) -> None:
    """Nothing else is raised, whatever the decoder makes of it."""
    data_set = IMAGES[name]
    frame = bytearray(first_frame(data_set))
    for position, value in changes:
        frame[position % len(frame)] = value

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            decoded = decode_frame(
                bytes(frame), described(data_set), str(data_set.file_meta.TransferSyntaxUID)
            )
        except (DamagedDicomError, NotAcceptableError):
            return
    assert decoded.pixels.shape[:2] == (data_set.Rows, data_set.Columns)


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_state_dimensions_or_none(data: bytes) -> None:
    """The readers of codestreams never fail."""
    for prefix in (b"", b"\xff\xd8\xff\xc0", b"\xff\x4f\xff\x51"):
        for read in (jpeg_dimensions, jpeg2000_dimensions):
            stated = read(prefix + data)
            assert stated is None or stated.samples_per_pixel <= 65535
