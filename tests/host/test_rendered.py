"""Pictures through the running app: the decoders of the deployed app, its thumbnails in a real container."""

import asyncio
import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data
import pytest
from PIL import Image

from tests.host.archive import Archive

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

FOLDER = Path(pydicom.data.__file__).parent / "test_files"
NAMES = (
    "CT_small.dcm",
    "MR_small_RLE.dcm",
    "JPEG-lossy.dcm",
    "JPEG2000.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "examples_palette.dcm",
    "rtdose_expb.dcm",
)


async def stored(archive: Archive, name: str) -> tuple[str, Any]:
    """Store a bundled file, replacing another of its versions; return its URL and its data set."""
    data = (FOLDER / name).read_bytes()
    data_set = pydicom.dcmread(io.BytesIO(data))
    url = (
        f"{archive.dicomweb}/studies/{data_set.StudyInstanceUID}/series/{data_set.SeriesInstanceUID}"
        f"/instances/{data_set.SOPInstanceUID}"
    )
    async with archive.session.delete(url) as response:
        assert response.status in {204, 404}
    headers = {"Content-Type": "application/dicom", "Accept": "application/dicom+json"}
    async with archive.session.post(f"{archive.dicomweb}/studies", data=data, headers=headers) as response:
        assert response.status in {200, 202}, await response.text()
    return url, data_set


async def got(archive: Archive, url: str, **headers: str) -> tuple[int, str, bytes]:
    """Return status, media type and body of an answer."""
    async with archive.session.get(url, headers=headers) as response:
        return response.status, response.content_type, await response.read()


@pytest.mark.parametrize("name", NAMES)
async def test_an_image_is_shown(archive: Archive, name: str) -> None:
    """As PNG of the image's size, and as a thumbnail of 256 pixels at most."""
    url, data_set = await stored(archive, name)

    status, media_type, body = await got(archive, f"{url}/rendered", Accept="image/png")
    small = await got(archive, f"{url}/thumbnail")

    assert (status, media_type) == (200, "image/png"), body
    assert Image.open(io.BytesIO(body)).size == (data_set.Columns, data_set.Rows)
    assert small[:2] == (200, "image/jpeg")
    assert max(Image.open(io.BytesIO(small[2])).size) == 256


async def test_thumbnails_are_kept_beside_the_archive(archive: Archive) -> None:
    """Clients that ask at once get the same one, of which one is kept."""
    url, _ = await stored(archive, "CT_small.dcm")
    derived = archive.container("derived")
    before = {blob.name async for blob in derived.list_blobs(name_starts_with="thumbnails/")}
    for name in before:
        await derived.delete_blob(name)

    answers = await asyncio.gather(*(got(archive, f"{url}/thumbnail") for _ in range(8)))

    assert len(set(answers)) == 1
    [kept] = [blob async for blob in derived.list_blobs(name_starts_with="thumbnails/")]
    assert await (await derived.download_blob(kept.name)).readall() == answers[0][2]
    assert kept.content_settings.content_type == "image/jpeg"


async def test_an_instance_is_transcoded(archive: Archive) -> None:
    """W04: Explicit VR Little Endian for who names no transfer syntax."""
    url, data_set = await stored(archive, "MR_small_RLE.dcm")

    status, _, body = await got(archive, url, Accept="application/dicom")
    read = pydicom.dcmread(io.BytesIO(body))

    assert status == 200
    assert read.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert np.array_equal(data_set.pixel_array, read.pixel_array)


async def test_a_range_of_an_instance_is_sent(archive: Archive) -> None:
    """W29."""
    url, _ = await stored(archive, "CT_small.dcm")
    data = (FOLDER / "CT_small.dcm").read_bytes()
    headers = {"Accept": "application/dicom; transfer-syntax=*", "Range": "bytes=0-1023"}

    async with archive.session.get(url, headers=headers) as response:
        assert (response.status, await response.read()) == (206, data[:1024])
        assert response.headers["Content-Range"] == f"bytes 0-1023/{len(data)}"


async def test_hostile_frames_leave_the_app_running(archive: Archive) -> None:
    """Damaged streams of every codec are answered, and the app is still there."""
    for number, name in enumerate(
        ("JPEG-lossy.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "SC_rgb_jpeg_gdcm.dcm")
    ):
        data_set = pydicom.dcmread(FOLDER / name)
        data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.4.5.{number}"
        damaged = bytearray(data_set.PixelData)
        damaged[300::7] = bytes(len(damaged[300::7]))
        data_set.PixelData = bytes(damaged)
        buffer = io.BytesIO()
        data_set.save_as(buffer)
        headers = {"Content-Type": "application/dicom", "Accept": "application/dicom+json"}
        async with archive.session.post(
            f"{archive.dicomweb}/studies", data=buffer.getvalue(), headers=headers
        ) as response:
            status = response.status
        url = (
            f"{archive.dicomweb}/studies/{data_set.StudyInstanceUID}/series/{data_set.SeriesInstanceUID}"
            f"/instances/{data_set.SOPInstanceUID}"
        )
        if status in {200, 202}:
            assert (await got(archive, f"{url}/rendered"))[0] in {200, 406, 422}

    assert (await got(archive, f"{archive.app.url}/health"))[0] == 200
