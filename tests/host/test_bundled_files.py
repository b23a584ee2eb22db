"""Every file that pydicom bundles, dropped as a blob: it is indexed, or rejected for a reason a person understands."""

import asyncio
import io
import json
from pathlib import Path

import pydicom
import pytest
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames

from tests.host.archive import Archive, eventually
from tests.instances import a_dataset, part10

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

DATA = Path(pydicom.__file__).parent / "data"
FILES = sorted(
    path
    for folder in ("test_files", "charset_files")
    for path in (DATA / folder).rglob("*")
    if path.is_file()
)


def name_of(path: Path) -> str:
    """Return the blob name a bundled file is dropped under."""
    return f"pydicom/{path.relative_to(DATA)}"


async def test_each_is_indexed_or_rejected_with_a_reason(archive: Archive) -> None:
    """There is no third outcome."""
    images, rejected = archive.container("images"), archive.container("rejected")
    turns = asyncio.Semaphore(8)

    async def drop(path: Path) -> None:
        async with turns:
            await images.upload_blob(name_of(path), path.read_bytes())

    await asyncio.gather(*map(drop, FILES))

    async def accounted() -> bool:
        return len(await ledger(archive)) == len(FILES)

    await eventually(accounted)
    states = await ledger(archive)
    assert set(states) == {name_of(path) for path in FILES}
    assert set(states.values()) <= {"indexed", "rejected"}
    reasons = {}
    async for blob in rejected.list_blobs():
        record = json.loads(await (await rejected.download_blob(blob.name)).readall())
        reasons[record["name"]] = record["reason"]
    assert set(reasons) == {name for name, state in states.items() if state == "rejected"}
    assert all(len(reason) > 20 and " " in reason for reason in reasons.values())
    indexed = [name for name, state in states.items() if state == "indexed"]
    assert len(indexed) > 0.7 * len(FILES), reasons


async def ledger(archive: Archive) -> dict[str, str]:
    """Return the state of every bundled file that has reached a final one."""
    from azure.data.tables.aio import TableServiceClient

    async with TableServiceClient.from_connection_string(archive.azurite.connection_string) as tables:
        return {
            row["name"]: row["state"]
            async for row in tables.get_table_client("objects").list_entities()
            if row["name"].startswith("pydicom/") and row["state"] != "pending"
        }


FRAME_FILES = {
    "native": "MR_small.dcm",
    "native, many frames": "rtdose.dcm",
    "native, big endian, many frames": "rtdose_expb.dcm",
    "deflated": "image_dfl.dcm",
    "RLE": "MR_small_RLE.dcm",
    "RLE, many frames, no offset table": "rtdose_rle.dcm",
    "RLE, many frames": "SC_rgb_rle_2frame.dcm",
    "JPEG": "SC_rgb_jpeg_dcmtk.dcm",
    "JPEG, no offset table": "JPEG-lossy.dcm",
    "JPEG, many frames": "examples_ybr_color.dcm",
    "JPEG-LS": "MR_small_jpeg_ls_lossless.dcm",
    "JPEG 2000": "JPEG2000.dcm",
    "JPEG 2000, offset table": "J2K_pixelrep_mismatch.dcm",
}


@pytest.mark.parametrize("name", FRAME_FILES.values(), ids=FRAME_FILES.keys())
async def test_frames_equal_pydicoms(archive: Archive, name: str) -> None:
    """Frames come as pydicom finds them in the file; the whole instance comes byte for byte."""
    await serves_frames_of(archive, f"frames/{name}", (DATA / "test_files" / name).read_bytes())


STREAMS = {
    "JPEG": ("SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_small_odd_jpeg.dcm"),
    "JPEG-LS": ("JPEGLSNearLossless_16.dcm", "MR_small_jpeg_ls_lossless.dcm", "JPEGLSNearLossless_08.dcm"),
    "JPEG 2000": ("JPEG2000.dcm", "J2K_pixelrep_mismatch.dcm", "693_J2KI.dcm"),
}
TABLES = ("no offset table", "basic offset table", "extended offset table")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("syntax", STREAMS)
async def test_frames_of_made_multi_frames_equal_pydicoms(archive: Archive, syntax: str, table: str) -> None:
    """Three compressed streams in one instance, with each kind of offset table, are found apart."""
    files = [pydicom.dcmread(DATA / "test_files" / name, force=True) for name in STREAMS[syntax]]
    frames = [next(generate_frames(file.PixelData, number_of_frames=1)) for file in files]
    number = 5000 + 10 * list(STREAMS).index(syntax) + TABLES.index(table)
    made = a_dataset(number, NumberOfFrames=len(frames), PixelData=b"")
    made.file_meta.TransferSyntaxUID = files[0].file_meta.TransferSyntaxUID
    if table == "extended offset table":
        made.PixelData, made.ExtendedOffsetTable, made.ExtendedOffsetTableLengths = encapsulate_extended(
            frames
        )
    else:
        made.PixelData = encapsulate(frames, has_bot=table == "basic offset table")
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True

    await serves_frames_of(archive, f"made/{number}.dcm", part10(made))


async def serves_frames_of(archive: Archive, name: str, data: bytes) -> None:
    """Drop a file; what is served of it must be what pydicom reads."""
    dataset = pydicom.dcmread(io.BytesIO(data))
    url = (
        f"{archive.dicomweb}/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
        f"/instances/{dataset.SOPInstanceUID}"
    )
    # Several bundled files are versions of one instance: this one takes its place.
    async with archive.session.delete(url) as response:
        assert response.status in {204, 404}
    await archive.container("images").upload_blob(name, data)

    async def fetched() -> bool:
        headers = {"Accept": "application/dicom; transfer-syntax=*"}
        async with archive.session.get(url, headers=headers) as response:
            return response.status == 200 and await response.read() == data

    await eventually(fetched)
    for number, expected in enumerate(frames_of(dataset), start=1):
        accept = {"Accept": "application/octet-stream; transfer-syntax=*"}
        async with archive.session.get(f"{url}/frames/{number}", headers=accept) as response:
            assert response.status == 200, await response.text()
            assert await response.read() == expected


def frames_of(dataset: pydicom.Dataset) -> list[bytes]:
    """Return the frames of an instance as they are stored, as pydicom reads them."""
    count = int(dataset.get("NumberOfFrames", 1))
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        offsets = [(dataset[name].value if name in dataset else None) for name in EXTENDED]
        extended = None if offsets[0] is None else (offsets[0], offsets[1])
        return list(generate_frames(dataset.PixelData, number_of_frames=count, extended_offsets=extended))
    length = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated // 8
    return [dataset.PixelData[index * length : (index + 1) * length] for index in range(count)]


EXTENDED = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
