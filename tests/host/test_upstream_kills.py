"""The app is killed at any moment while it follows the feed of an upstream service, and the index ends up the same."""

import asyncio
import random
import signal
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from bench.orthanc import Orthanc
from tests.host.archive import Archive, an_archive, eventually
from tests.host.upstream import FAST, JSON, MULTIPART, body_of
from tests.instances import an_instance, uids
from tests.orthanc import an_orthanc

pytestmark = [pytest.mark.host]

PER_STUDY = 15


@pytest.mark.parametrize(
    "kills", [10, pytest.param(50, marks=[pytest.mark.scale, pytest.mark.timeout(1800)])]
)
async def test_kills_while_a_feed_is_polled_lose_and_double_nothing(tmp_path: Path, kills: int) -> None:
    """Each instance of the service is indexed, and entered in the archive's own feed once."""
    moments = random.Random(6)  # the same ones in every run
    folder = tmp_path / "orthanc"
    folder.mkdir()
    async with an_orthanc(folder) as orthanc, an_archive(tmp_path / "front") as archive:
        settings = FAST | {
            "DICOM_UPSTREAM_URL": orthanc.root.removesuffix("/dicom-web"),
            "DICOM_UPSTREAM_KIND": "orthanc",
        }
        await archive.start("--lease", "1", **settings)
        for study in range(kills):
            await fill(orthanc, study)
            await asyncio.sleep(moments.uniform(0, 1.2))
            archive.stop(signal.SIGKILL)
            await archive.start("--lease", "1", **settings)

        async def is_all_told() -> bool:
            return len(await archive.changes()) >= kills * PER_STUDY

        await eventually(is_all_told, seconds=240)
        await eventually(lambda: is_all_counted(archive, kills), seconds=60)
        entries = await archive.changes()
    assert Counter(entry["Action"] for entry in entries) == {"create": kills * PER_STUDY}
    assert len({entry["SopInstanceUid"] for entry in entries}) == kills * PER_STUDY


async def fill(orthanc: Orthanc, study: int) -> None:
    """Store a study in the service."""
    body = body_of(*(an_instance(study, 1, number) for number in range(1, PER_STUDY + 1)))
    headers = {"Content-Type": MULTIPART, **JSON}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{orthanc.root}/studies", data=body, headers=headers) as response,
    ):
        assert response.status == 200


async def is_all_counted(archive: Archive, studies: int) -> bool:
    """Tell whether the archive's own search has every instance of every study."""
    for study in range(studies):
        query = {"StudyInstanceUID": uids(study)[0], "just_find": "false", "limit": "1"}
        async with archive.session.get(f"{archive.app.url}/search", params=query) as response:
            if response.status != 200 or not (await response.json())["found"]:
                return False
    return True
