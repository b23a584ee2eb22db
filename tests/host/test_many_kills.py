"""The app is killed again and again while it ingests, and ends where it would have ended."""

import asyncio
import signal
from collections import Counter

import pytest

from tests.host.archive import Archive, eventually
from tests.instances import an_instance

pytestmark = [pytest.mark.host, pytest.mark.scale]

DROPPED = 1500
PER_STUDY = 50
KILLS = 6


async def test_kills_at_many_moments_lose_nothing(stopped_archive: Archive) -> None:
    """Of 1,500 blobs each is indexed once, though the app was killed six times on the way."""
    archive = stopped_archive
    images = archive.container("images")
    for number in range(DROPPED):
        data = an_instance(number // PER_STUDY, 1, number % PER_STUDY + 1, size=10_000)
        await images.upload_blob(f"{number:05}.dcm", data)
    for kill in range(KILLS):
        await archive.start("--scan-interval", "0.5", "--lease", "4")
        await asyncio.sleep(0.3 * (kill + 1))
        archive.stop(signal.SIGKILL)
    await archive.start("--scan-interval", "0.5", "--lease", "4")

    async def all_counted() -> bool:
        rows = await archive.search("studies", limit="1000")
        return [row["00201208"]["Value"][0] for row in rows] == [PER_STUDY] * (DROPPED // PER_STUDY)

    async def all_published() -> bool:
        return len(await archive.changes()) >= DROPPED

    await eventually(all_counted, seconds=200)
    await eventually(all_published)
    entries = await archive.changes()
    assert Counter(entry["Action"] for entry in entries) == {"create": DROPPED}
    assert len({entry["SopInstanceUid"] for entry in entries}) == DROPPED
