"""A study, a series or an instance as a ZIP file, as a client sees it."""

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pydicom
import pydicom.data
import pytest
from pydicom.uid import RLELossless

from functions._zip import ZipEntry, zip_body
from shared.errors import ObjectNotFoundError
from tests.unit.flows.builders import SERIES, STUDY, add_pixels, make_data_set, make_file, to_file
from tests.unit.functions.requests import Answer, make_request
from tests.unit.functions.service import HANDLERS, Service
from tests.unit.functions.test_dicomweb_gone import LARGE, SMALL, keys_of

ZIP = "application/zip"
AS_STORED = "application/zip; transfer-syntax=*"
OTHER_SERIES = f"{SERIES}.9"
FILES = {
    f"{STUDY}/{SERIES}/{SERIES}.1.dcm": make_file(1),
    f"{STUDY}/{SERIES}/{SERIES}.2.dcm": make_file(2),
    f"{STUDY}/{OTHER_SERIES}/{OTHER_SERIES}.3.dcm": make_file(3, series=OTHER_SERIES),
}
FRAMES = [bytes([number]) * 6 for number in range(1, 5)]
RLE = to_file(
    add_pixels(make_data_set(1), FRAMES, rows=2, columns=3, encapsulated=True),
    transfer_syntax_uid=RLELossless,
)


def files_of(answer: Answer) -> dict[str, bytes]:
    """Return the files of an answer by name, as the standard library reads and checks them."""
    assert answer.headers["content-type"] == ZIP
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize(
    ("path", "count"),
    [(STUDY, 3), (f"{STUDY}/series/{SERIES}", 2), (f"{STUDY}/series/{SERIES}/instances/{SERIES}.1", 1)],
)
@pytest.mark.parametrize("accept", [AS_STORED, f"image/png, {AS_STORED};q=0.5"])
async def test_the_files_are_those_that_were_stored(
    service: Service, path: str, count: int, accept: str
) -> None:
    """Byte for byte, in folders of study and series, under a name that browsers save it by."""
    await service.store(*FILES.values())

    answer = await service.retrieve(path, accept)

    assert answer.status == 200
    assert files_of(answer) == dict(list(FILES.items())[:count])
    name = path.rpartition("/")[2]
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.zip"'


async def test_the_same_study_is_the_same_zip(service: Service) -> None:
    """No clock is in it."""
    await service.store(*FILES.values())

    bodies = {(await service.retrieve(STUDY, AS_STORED)).body for _ in range(2)}

    assert len(bodies) == 1


async def test_a_link_asks_by_the_accept_parameter(service: Service) -> None:
    """Browsers send an Accept header of their own."""
    await service.store(*FILES.values())

    answer = await service.call(
        "dicomweb_retrieve",
        f"/dicomweb/studies/{STUDY}?accept=application/zip%3Btransfer-syntax%3D*",
        headers={"accept": "text/html, */*;q=0.8"},
        route={"study": STUDY, "path": ""},
    )

    assert len(files_of(answer)) == 3


@pytest.mark.parametrize("accept", ["*/*", "multipart/*", None])
async def test_who_does_not_ask_for_a_zip_gets_parts(service: Service, accept: str | None) -> None:
    """As PS3.18 has it by default."""
    await service.store(*FILES.values())

    answer = await service.retrieve(STUDY, accept)

    assert answer.headers["content-type"].startswith("multipart/related")


async def test_files_are_transcoded_as_parts_are(service: Service) -> None:
    """Who names no transfer syntax gets Explicit VR Little Endian; what cannot be had is 406."""
    data_set = pydicom.dcmread(pydicom.data.get_testdata_file("MR_small_RLE.dcm"))
    await service.store(to_file(data_set, transfer_syntax_uid=RLELossless))
    path = str(data_set.StudyInstanceUID)

    [content] = files_of(await service.retrieve(path, ZIP)).values()
    read = pydicom.dcmread(io.BytesIO(content))

    assert read.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert (read.pixel_array == data_set.pixel_array).all()
    video = await service.retrieve(path, "application/zip; transfer-syntax=1.2.840.10008.1.2.4.100")
    assert video.status == 406


@pytest.mark.parametrize("files", [SMALL, LARGE], ids=["small", "large"])
async def test_a_zip_says_what_it_lacks(service: Service, files: list[bytes]) -> None:
    """206 with a Warning, and a file that is still there when the headers are forgotten."""
    await service.store(*files)
    del service.world.objects.objects[keys_of(service)[1]]

    answer = await service.retrieve(STUDY, AS_STORED)
    found = files_of(answer)

    assert answer.status == 206
    assert answer.headers["warning"] == '299 - "1 of 3 instances could not be read"'
    assert found.pop("MISSING.txt").decode().splitlines()[1:] == [f"{STUDY}/{SERIES}/{SERIES}.2"]
    assert list(found.values()) == [files[0], files[2]]


async def test_a_study_that_breaks_off_is_no_zip(service: Service) -> None:
    """What was sent by then has no end, so no reader takes it for whole."""
    long = [make_file(number, EncapsulatedDocument=bytes(2_000_000)) for number in (1, 2, 3)]
    await service.store(*long)
    objects = service.world.objects.objects
    [last] = [key for key, stored in objects.items() if stored.data == long[2]]
    request = make_request("GET", "/", headers={"accept": AS_STORED}, route={"study": STUDY, "path": ""})
    response = await HANDLERS["dicomweb_retrieve"](request)
    del objects[last]
    sent = b""

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        nonlocal sent
        body = message.get("body", b"")
        assert isinstance(body, bytes)
        sent += body

    with pytest.raises(ObjectNotFoundError):
        await response({"type": "http", "asgi": {"spec_version": "2.4"}, "method": "GET"}, receive, send)
    assert len(sent) > 4_000_000
    assert not zipfile.is_zipfile(io.BytesIO(sent))


async def entries(*sizes: int, most: int) -> AsyncIterator[ZipEntry]:
    """Yield entries of zeros."""

    async def content(size: int) -> AsyncIterator[bytes]:
        for start in range(0, size, 4 << 20):
            yield bytes(min(4 << 20, size - start))

    for number, size in enumerate(sizes):
        yield ZipEntry(f"{number}.dcm", most, content(size))


async def test_an_entry_that_may_be_long_has_wide_fields() -> None:
    """Whether it turns out long or not."""
    body = b"".join([chunk async for chunk in zip_body(entries(10, 0, most=5 << 30))])

    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert [about.file_size for about in archive.infolist()] == [10, 0]


@pytest.mark.scale
async def test_a_zip_may_be_longer_than_four_gibibytes(tmp_path: Path) -> None:
    """One entry of more, and one that begins beyond."""
    sizes = ((4 << 30) + 1, 100)
    place = tmp_path / "long.zip"
    with place.open("wb") as file:
        async for chunk in zip_body(entries(*sizes, most=sizes[0])):
            if any(chunk[:100]) or len(chunk) < (4 << 20):
                file.write(chunk)
            else:
                file.seek(len(chunk), 1)  # a hole

    with zipfile.ZipFile(place) as archive:
        assert archive.testzip() is None
        assert tuple(about.file_size for about in archive.infolist()) == sizes
