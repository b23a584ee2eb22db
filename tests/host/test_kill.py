"""The app is killed in the middle of its work, and nothing is lost and nothing done twice."""

import asyncio
import signal
from collections import Counter

import pytest

from tests.host.archive import Archive, eventually
from tests.instances import an_instance, uids

pytestmark = [pytest.mark.host]

DROPPED = 500
PER_STUDY = 50


async def test_kill_while_ingesting(stopped_archive: Archive) -> None:
    """Of 500 blobs each is indexed once, though the app was killed while it indexed them."""
    archive = stopped_archive
    images = archive.container("images")
    await asyncio.gather(
        *(
            images.upload_blob(
                f"{number:05}.dcm", an_instance(number // PER_STUDY, 1, number % PER_STUDY + 1, size=10_000)
            )
            for number in range(DROPPED)
        )
    )
    await archive.start("--scan-interval", "0.5", "--lease", "4")

    async def begun() -> bool:
        return len(await archive.changes()) >= 20

    await eventually(begun)
    archive.stop(signal.SIGKILL)
    await archive.start("--scan-interval", "0.5", "--lease", "4")

    async def all_counted() -> bool:
        rows = await archive.search("studies", limit="1000")
        counts = [row["00201208"]["Value"][0] for row in rows]
        return counts == [PER_STUDY] * (DROPPED // PER_STUDY)

    await eventually(all_counted, seconds=180)

    async def all_published() -> bool:
        return len(await archive.changes()) >= DROPPED

    await eventually(all_published)
    entries = await archive.changes()
    assert Counter(entry["Action"] for entry in entries) == {"create": DROPPED}
    assert len({entry["SopInstanceUid"] for entry in entries}) == DROPPED
    assert {entry["StudyInstanceUid"] for entry in entries} == {
        uids(study)[0] for study in range(DROPPED // PER_STUDY)
    }
