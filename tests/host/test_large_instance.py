"""An instance larger than the app's memory may grow goes in by STOW-RS and out by WADO-RS."""

import asyncio
import contextlib
import hashlib
import io
from collections.abc import AsyncIterator

import pytest
from pydicom.filewriter import dcmwrite

from tests.free_ports import free_ports
from tests.host.archive import Archive
from tests.instances import a_dataset, uids

pytestmark = [pytest.mark.host]

FRAME_LENGTH = 1024 * 1024
FRAMES = 1024
MAX_GROWTH = 64 * 1024 * 1024


class CountingProxy:
    """Passes a TCP port on to another and counts the bytes that come back."""

    def __init__(self, target: int) -> None:
        self.port = free_ports(1)
        self.received = 0
        self._target = target
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(
            self._pump(reader, back_writer, counted=False), self._pump(back_reader, writer, counted=True)
        )

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, counted: bool) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(256 * 1024):
                if counted:
                    self.received += len(data)
                sink.write(data)
                await sink.drain()
        with contextlib.suppress(ConnectionError):
            sink.close()


def frame(index: int) -> bytes:
    """Return the pixels of a frame: different for each."""
    return index.to_bytes(4, "little") * (FRAME_LENGTH // 4)


def the_header(frames: int) -> bytes:
    """Return the file up to the first pixel."""
    dataset = a_dataset(
        77,
        NumberOfFrames=frames,
        Rows=1024,
        Columns=1024,
        PixelData=None,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.7.2",
    )
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    length = FRAME_LENGTH * frames
    return buffer.getvalue() + b"\xe0\x7f\x10\x00OB\0\0" + length.to_bytes(4, "little")


async def test_gibibyte_in_and_out(stopped_archive: Archive) -> None:
    """1 GiB goes in and comes out the same, while the app grows by less than 64 MiB; a frame costs a frame."""
    archive = stopped_archive
    proxy = CountingProxy(archive.azurite.blob_port)
    await proxy.open()
    connection = archive.azurite.connection_string.replace(
        f":{archive.azurite.blob_port}/", f":{proxy.port}/"
    )
    await archive.start(DicomStorage=connection)
    try:
        # A small one first, so that what is loaded once is not counted as growth.
        await store(archive, a_small_one())
        before = archive.resident_bytes()
        watch = asyncio.create_task(watched(archive))
        sent = hashlib.sha256()
        await store(archive, the_large_one(sent))

        study, series, instance = uids(77)
        url = f"{archive.dicomweb}/studies/{study}/series/{series}/instances/{instance}"
        read_before = proxy.received
        accept = {"Accept": "application/octet-stream; transfer-syntax=*"}
        async with archive.session.get(f"{url}/frames/1", headers=accept) as response:
            assert (response.status, await response.read()) == (200, frame(0))
        assert proxy.received - read_before < FRAME_LENGTH + 64 * 1024

        received = hashlib.sha256()
        accept = {"Accept": "application/dicom; transfer-syntax=*"}
        async with archive.session.get(url, headers=accept) as response:
            assert response.status == 200
            async for chunk in response.content.iter_chunked(1024 * 1024):
                received.update(chunk)
        watch.cancel()
        assert received.hexdigest() == sent.hexdigest()
        assert await highest(watch) - before < MAX_GROWTH
    finally:
        proxy.close()


async def a_small_one() -> AsyncIterator[bytes]:
    """Yield an instance of three frames' size."""
    from tests.instances import an_instance

    yield an_instance(78, size=3 * FRAME_LENGTH)


async def the_large_one(digest: "hashlib._Hash") -> AsyncIterator[bytes]:
    """Yield the large instance in pieces, adding them to *digest*."""
    for piece in (the_header(FRAMES), *map(frame, range(FRAMES))):
        digest.update(piece)
        yield piece


async def store(archive: Archive, content: AsyncIterator[bytes]) -> None:
    """Store one instance, sent in chunks without a length."""

    async def body() -> AsyncIterator[bytes]:
        yield b"--edge\r\nContent-Type: application/dicom\r\n\r\n"
        async for piece in content:
            yield piece
        yield b"\r\n--edge--\r\n"

    headers = {
        "Content-Type": 'multipart/related; type="application/dicom"; boundary=edge',
        "Accept": "application/dicom+json",
    }
    async with archive.session.post(f"{archive.dicomweb}/studies", data=body(), headers=headers) as response:
        assert response.status == 200, await response.text()


_PEAKS: list[int] = []


async def watched(archive: Archive) -> None:
    """Note the app's memory ten times a second until cancelled."""
    _PEAKS.clear()
    while True:
        _PEAKS.append(archive.resident_bytes())
        await asyncio.sleep(0.1)


async def highest(watch: "asyncio.Task[None]") -> int:
    """Return the most that was noted."""
    with contextlib.suppress(asyncio.CancelledError):
        await watch
    return max(_PEAKS)
