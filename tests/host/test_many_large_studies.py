"""Studies larger than the app's memory may grow go out to many clients at once."""

import asyncio

import pytest

from tests.host.archive import Archive
from tests.host.test_large_instance import highest, watched
from tests.instances import an_instance, uids

pytestmark = [pytest.mark.host, pytest.mark.scale, pytest.mark.timeout(1800)]

CLIENTS = 8
INSTANCES = 16
SIDE = 8192
INSTANCE_LENGTH = SIDE * SIDE
MAX_GROWTH = 128 * 1024 * 1024
PARTS = 'multipart/related; type="application/dicom"; transfer-syntax=*'
ZIP = "application/zip; transfer-syntax=*"


async def retrieved(archive: Archive, study: str, accept: str) -> tuple[int, bytes]:
    """Retrieve a study; return how many bytes came, and the last of them."""
    length, tail = 0, b""
    async with archive.session.get(
        f"{archive.dicomweb}/studies/{study}", headers={"Accept": accept}, timeout=None
    ) as response:
        assert response.status == 200
        async for chunk in response.content.iter_chunked(1024 * 1024):
            length += len(chunk)
            tail = (tail + chunk)[-64:]
    return length, tail


async def test_eight_clients_retrieve_a_gibibyte_each(stopped_archive: Archive) -> None:
    """Half of them as parts and half as ZIP files, while the app grows by less than 128 MiB."""
    archive = stopped_archive
    await archive.start()
    study = uids(90)[0]
    headers = {"Content-Type": "application/dicom", "Accept": "application/dicom+json"}
    for number in range(1, INSTANCES + 1):
        pixels = bytes([number]) * INSTANCE_LENGTH
        data = an_instance(90, instance=number, Rows=SIDE, Columns=SIDE, PixelData=pixels)
        async with archive.session.post(
            f"{archive.dicomweb}/studies", data=data, headers=headers
        ) as response:
            assert response.status == 200, await response.text()
    # What is loaded once is not counted as growth: another study goes out in both forms first.
    small = an_instance(91, size=1024 * 1024)
    async with archive.session.post(f"{archive.dicomweb}/studies", data=small, headers=headers) as response:
        assert response.status == 200
    for accept in (PARTS, ZIP):
        await retrieved(archive, uids(91)[0], accept)

    before = archive.resident_bytes()
    watch = asyncio.create_task(watched(archive))
    answers = await asyncio.gather(
        *(retrieved(archive, study, (PARTS, ZIP)[client % 2]) for client in range(CLIENTS))
    )
    watch.cancel()
    growth = await highest(watch) - before

    print(f"the app grew by {growth / 2**20:.0f} MiB")  # noqa: T201 - the figure that the test is about
    assert [length > INSTANCES * INSTANCE_LENGTH for length, _ in answers] == [True] * CLIENTS
    for client, (_, tail) in enumerate(answers):
        assert b"PK\x05\x06" in tail if client % 2 else tail.endswith(b"--\r\n")
    assert growth < MAX_GROWTH
