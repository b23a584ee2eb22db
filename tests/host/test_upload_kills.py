"""The app is killed at moments of an upload: nothing is lost, and nothing is sent again that was confirmed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import signal
from collections.abc import Iterator

import pytest

from tests.host.archive import Archive, eventually
from tests.host.test_uploads import begun, ended, stored
from tests.instances import an_instance, uids
from tests.partner_server import Asked, PartnerServer, a_partner

pytestmark = [pytest.mark.host]

SEED = 6


@pytest.fixture
def partner() -> Iterator[PartnerServer]:
    """Give a partner on loopback, who takes his time."""
    with a_partner() as running:
        running.takes_seconds = 0.1
        yield running


async def confirmed(archive: Archive) -> set[str]:
    """Return the digests of the files that were confirmed."""
    container = archive.container("derived")
    digests = set()
    async for blob in container.list_blobs(name_starts_with="uploads/confirmed/"):
        content = await (await container.download_blob(blob.name)).readall()
        digests.add(json.loads(content)["sha256"])
    return digests


def digests(asked: list[Asked]) -> set[str]:
    """Return the digests of what was sent."""
    return {hashlib.sha256(one.body).hexdigest() for one in asked}


async def killed_again_and_again(archive: Archive, partner: PartnerServer, *, kills: int, files: int) -> None:
    """Kill the app so often while it sends a study, each time a moment after the partner heard something new."""
    moments = random.Random(SEED)  # the kills of a failure come again in the next run
    # The host gives a message up that was begun too often, and here all that are under way are begun again at each start.
    patience = {"AzureFunctionsJobHost__extensions__queues__maxDequeueCount": str(10 * kills)}
    settings = partner.environment(DICOM_PARTNER_CONNECTIONS="3", **patience)
    await archive.start("--lease", "1", **settings)
    for number in range(1, files + 1):
        await stored(archive, an_instance(1, 1, number))
    run = await begun(archive, sample_id="ref01", study=uids(1)[0])
    for _ in range(kills):
        heard = len(partner.asked)

        async def more(heard: int = heard) -> bool:
            return len(partner.asked) > heard or bool(partner.of("analytics"))

        await eventually(more)
        await asyncio.sleep(moments.random() * 0.3)
        archive.stop(signal.SIGKILL)
        known, heard = await confirmed(archive), len(partner.asked)
        await archive.start("--lease", "1", **settings)
        sent = [one for one in partner.asked[heard:] if one.service == "upload"]
        assert not digests(sent) & known
    known, heard = await confirmed(archive), len(partner.asked)
    told = await ended(archive, run["url"], seconds=180)

    assert (told["status"], told["done"], told["failed"]) == ("done", files, 0), told.get("error")
    assert len(digests(partner.of("upload"))) == files
    assert not digests([one for one in partner.asked[heard:] if one.service == "upload"]) & known
    async with archive.session.get(told["log"]) as response:
        log = await response.text()
    asked = len(partner.of("analytics"))
    assert asked >= 1
    assert asked == 1 or "asked for again after an interruption" in log
    assert len(partner.of("upload")) <= files + 3 * kills


async def test_ten_kills_lose_nothing(stopped_archive: Archive, partner: PartnerServer) -> None:
    """Of a study of 24 files."""
    await killed_again_and_again(stopped_archive, partner, kills=10, files=24)


@pytest.mark.scale
@pytest.mark.timeout(900)
async def test_fifty_kills_lose_nothing(stopped_archive: Archive, partner: PartnerServer) -> None:
    """Of a study of 150 files."""
    await killed_again_and_again(stopped_archive, partner, kills=50, files=150)
