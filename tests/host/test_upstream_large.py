"""An instance larger than the app's memory may grow passes through to the upstream service and back."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.host.archive import Archive, an_archive
from tests.host.test_large_instance import FRAME_LENGTH, frame, store, the_header
from tests.host.upstream import files_of, in_front, instance_url
from tests.instances import an_instance

pytestmark = [pytest.mark.host]

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("frames", "most"),
    [(40, 20 * MIB), pytest.param(1024, 64 * MIB, marks=pytest.mark.scale)],
    ids=["40 MiB", "1 GiB"],
)
async def test_a_large_instance_passes_both_ways(tmp_path: Path, frames: int, most: int) -> None:
    """It arrives the same, and the app in between grows by less than it passes on."""
    async with an_archive(tmp_path / "back") as back:
        await back.start()
        async with in_front(tmp_path / "front", f"{back.app.url}/v2", "azure") as front:
            # A small one first, so that what is loaded once is not counted as growth.
            await store(front, small())
            await files_of(front.session, instance_url(front.dicomweb, 78))
            peaks: list[int] = []
            watch = asyncio.create_task(watched(front, peaks))
            before = front.resident_bytes()
            sent, received = hashlib.sha256(), hashlib.sha256()
            await store(front, large(frames, sent))
            accept = {"Accept": "application/dicom; transfer-syntax=*"}
            url = instance_url(front.dicomweb, 77)
            async with front.session.get(url, headers=accept) as response:
                assert response.status == 200
                async for chunk in response.content.iter_chunked(MIB):
                    received.update(chunk)
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    assert received.hexdigest() == sent.hexdigest()
    assert max(peaks) - before < most


async def small() -> AsyncIterator[bytes]:
    """Yield an instance of three frames' size."""
    yield an_instance(78, size=3 * FRAME_LENGTH)


async def large(frames: int, digest: "hashlib._Hash") -> AsyncIterator[bytes]:
    """Yield an instance of so many frames in pieces, adding them to *digest*."""
    for piece in (the_header(frames), *map(frame, range(frames))):
        digest.update(piece)
        yield piece


async def watched(archive: Archive, peaks: list[int]) -> None:
    """Note the app's memory ten times a second until cancelled."""
    while True:
        peaks.append(archive.resident_bytes())
        await asyncio.sleep(0.1)
