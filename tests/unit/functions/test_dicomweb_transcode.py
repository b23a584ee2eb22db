"""Transcoding on retrieval as a client sees it: what was asked for, or 406."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import openjpeg
import pydicom
import pydicom.data
import pytest
from pydicom.encaps import generate_frames

from shared.settings.settings import Settings
from tests.unit.flows.builders import make_data_set, to_file
from tests.unit.functions.service import Service, parts_of

FOLDER = Path(pydicom.data.__file__).parent / "test_files"
EXPLICIT = "1.2.840.10008.1.2.1"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
NAMES = (
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "image_dfl.dcm",
    "examples_ybr_color.dcm",
    "rtdose_rle.dcm",
)
ONE = "application/dicom"
SEVERAL = 'multipart/related; type="application/dicom"'


async def stored(service: Service, name: str) -> tuple[str, Any]:
    """Store a bundled file, and return its path and its data set."""
    data = (FOLDER / name).read_bytes()
    assert (await service.store(data)).status in {200, 202}
    data_set = pydicom.dcmread(io.BytesIO(data))
    path = (
        f"{data_set.StudyInstanceUID}/series/{data_set.SeriesInstanceUID}/instances/{data_set.SOPInstanceUID}"
    )
    return path, data_set


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("accept", [ONE, f"{ONE}; transfer-syntax={EXPLICIT}", SEVERAL])
async def test_who_names_no_syntax_gets_explicit_little_endian(
    service: Service, name: str, accept: str
) -> None:
    """W04: the pixels are those of the file, and the answer says its transfer syntax."""
    path, data_set = await stored(service, name)
    answer = await service.retrieve(path, accept)
    assert answer.status == 200
    headers, body = answer.headers, answer.body
    if accept == SEVERAL:
        [(headers, body)] = parts_of(answer)

    read = pydicom.dcmread(io.BytesIO(body))

    assert headers["content-type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
    assert read.file_meta.TransferSyntaxUID == EXPLICIT
    assert np.array_equal(data_set.pixel_array, read.pixel_array)


async def test_jpeg_2000_is_made_on_request(service: Service) -> None:
    """Nothing is lost."""
    path, data_set = await stored(service, "MR_small_RLE.dcm")

    answer = await service.retrieve(path, f"{ONE}; transfer-syntax={JPEG_2000_LOSSLESS}")
    read = pydicom.dcmread(io.BytesIO(answer.body))

    assert read.file_meta.TransferSyntaxUID == JPEG_2000_LOSSLESS
    assert np.array_equal(data_set.pixel_array, read.pixel_array)


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.2"])
async def test_another_syntax_is_not_acceptable(service: Service, uid: str) -> None:
    """W07: rather than silently another one."""
    path, _ = await stored(service, "CT_small.dcm")

    for accept in (f"{ONE}; transfer-syntax={uid}", f"{SEVERAL}; transfer-syntax={uid}"):
        assert (await service.retrieve(path, accept)).status == 406


@pytest.mark.parametrize("accept", [ONE, SEVERAL, 'multipart/related; type="application/octet-stream"'])
async def test_what_is_over_the_limit_is_not_acceptable(service: Service, accept: str) -> None:
    """W27: told before anything is sent, with what to ask for instead."""
    service.settings = Settings.model_construct(max_transcode_bytes=8191)
    path, _ = await stored(service, "MR_small_RLE.dcm")
    path += "/frames/1" if "octet" in accept else ""

    answer = await service.retrieve(path, accept)

    assert answer.status == 406
    assert "transfer-syntax=*" in answer.json["detail"]
    assert (await service.retrieve(path, f"{accept}; transfer-syntax=*")).status == 200


async def test_a_study_comes_transcoded_part_by_part(service: Service) -> None:
    """What is in the wanted syntax already comes as it is stored."""
    compressed = pydicom.dcmread(FOLDER / "MR_small_RLE.dcm")
    plain = to_file(
        make_data_set(2, study=compressed.StudyInstanceUID, series=f"{compressed.SeriesInstanceUID}.9")
    )
    await stored(service, "MR_small_RLE.dcm")
    assert (await service.store(plain)).status in {200, 202}

    answer = await service.retrieve(str(compressed.StudyInstanceUID), SEVERAL)
    (_, first), (_, second) = parts_of(answer)

    assert "content-length" not in answer.headers
    assert np.array_equal(compressed.pixel_array, pydicom.dcmread(io.BytesIO(first)).pixel_array)
    assert second == plain


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in {"image_dfl.dcm", "MR_small_implicit.dcm"}]
)
async def test_frames_are_decoded(service: Service, name: str) -> None:
    """As they are in Explicit VR Little Endian; native little endian frames are that already."""
    path, data_set = await stored(service, name)
    count = int(data_set.get("NumberOfFrames") or 1)
    pixels = data_set.pixel_array.reshape(count, -1)
    accept = 'multipart/related; type="application/octet-stream"'

    answer = await service.retrieve(f"{path}/frames/{count},1", accept)
    (headers, last), (_, first) = parts_of(answer)

    assert headers["content-type"] == f"application/octet-stream; transfer-syntax={EXPLICIT}"
    assert (last, first) == (
        pixels[-1].astype(pixels.dtype.newbyteorder("<")).tobytes(),
        pixels[0].astype(pixels.dtype.newbyteorder("<")).tobytes(),
    )


@pytest.mark.parametrize(
    "name", ["MR_small_RLE.dcm", "CT_small.dcm", "examples_ybr_color.dcm", "MR_small_bigendian.dcm"]
)
@pytest.mark.parametrize(
    "accept",
    [
        f'multipart/related; type="application/octet-stream"; transfer-syntax={JPEG_2000_LOSSLESS}',
        'multipart/related; type="image/jp2"',
        "image/jp2",
        'multipart/related; type="image/jls", multipart/related; type="image/jp2"; transfer-syntax=*; q=0.5',
    ],
)
async def test_frames_come_as_jpeg_2000_on_request(service: Service, name: str, accept: str) -> None:
    """Nothing is lost, and each frame says what it is."""
    path, data_set = await stored(service, name)
    kind = "image/jp2" if "image/jp2" in accept else "application/octet-stream"

    answer = await service.retrieve(f"{path}/frames/1", accept)
    headers, frame = answer.headers, answer.body
    if accept != "image/jp2":
        [(headers, frame)] = parts_of(answer)

    assert answer.status == 200
    assert headers["content-type"] == f"{kind}; transfer-syntax={JPEG_2000_LOSSLESS}"
    pixels = data_set.pixel_array
    first = pixels[0] if int(data_set.get("NumberOfFrames") or 1) > 1 else pixels
    assert np.array_equal(openjpeg.decode(frame), first)


async def test_frames_in_a_media_type_of_their_own_come_as_they_are_stored(service: Service) -> None:
    """JPEG-LS as image/jls; it is not made of others, nor others of it."""
    path, data_set = await stored(service, "MR_small_jpeg_ls_lossless.dcm")

    [(headers, frame)] = parts_of(
        await service.retrieve(f"{path}/frames/1", 'multipart/related; type="image/jls"')
    )

    assert headers["content-type"] == "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"
    assert frame == next(generate_frames(data_set.PixelData, number_of_frames=1))
    for accept in ("image/jpeg", "image/dicom-rle", "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.91"):
        assert (await service.retrieve(f"{path}/frames/1", accept)).status == 406


async def test_the_next_best_is_sent_where_the_best_cannot_be_had(service: Service) -> None:
    """Of an instance, too: the Accept header is a list."""
    path, _ = await stored(service, "CT_small.dcm")

    answer = await service.retrieve(
        path, f"{ONE}; transfer-syntax=1.2.840.10008.1.2.4.100, {ONE}; transfer-syntax={EXPLICIT}; q=0.5"
    )

    assert (answer.status, answer.body) == (200, (FOLDER / "CT_small.dcm").read_bytes())


async def test_a_transcoded_instance_has_an_etag_of_its_own(service: Service) -> None:
    """Who has it is told so, and it is not that of the stored one."""
    path, _ = await stored(service, "MR_small_RLE.dcm")
    etag = (await service.retrieve(path, ONE)).headers["etag"]

    assert (await service.retrieve(path, ONE, if_none_match=etag)).status == 304
    assert (await service.retrieve(path, f"{ONE}; transfer-syntax=*", if_none_match=etag)).status == 200
