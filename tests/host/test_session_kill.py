"""The app is killed while it publishes an upload session: nobody sees half of it, and in the end all of it is there."""

import asyncio
import random
import signal
from typing import Any

import pytest

from tests.host.archive import Archive, eventually
from tests.instances import an_instance, uids

pytestmark = [pytest.mark.host]

COUNT = 110
KILLS = 3
"""A message that fails a fifth time is given up."""


async def test_kill_while_publishing_a_session(stopped_archive: Archive) -> None:
    """Killed at random moments of its commit, it is absent or whole at each; the feed has each instance once."""
    archive, chosen = stopped_archive, random.Random(6)
    await archive.start("--lease", "2")
    names = [f"{number:04}.dcm" for number in range(1, COUNT + 1)]
    async with archive.session.post(f"{archive.app.url}/sessions", json={"files": names}) as answer:
        told = await answer.json()

    async def put(number: int, target: dict[str, Any]) -> None:
        data = an_instance(1, 1 + number % 4, number)
        async with archive.session.put(target["url"], data=data, headers=target["headers"]) as sent:
            assert sent.status == 201

    await asyncio.gather(*(put(number, target) for number, target in enumerate(told["targets"], 1)))
    async with archive.session.post(f"{told['url']}/commit", json={"files": names}) as answer:
        assert answer.status == 202
    resource = f"studies/{uids(1)[0]}/instances"
    for _ in range(KILLS):
        await asyncio.sleep(chosen.uniform(0.05, 0.5))
        archive.stop(signal.SIGKILL)
        await archive.start("--lease", "2")
        assert len(await archive.search(resource, limit="1000")) in (0, COUNT)

    async def whole() -> bool:
        seen = len(await archive.search(resource, limit="1000"))
        assert seen in (0, COUNT)
        async with archive.session.get(told["url"]) as status:
            now = await status.json()
        assert now["status"] in ("committing", "done"), now["error"]
        return seen == COUNT and now["status"] == "done"

    await eventually(whole)
    entries = await archive.changes()
    assert len(entries) == len({entry["SopInstanceUid"] for entry in entries}) == COUNT
    assert [blob.name async for blob in archive.container("sessions").list_blobs()] == []
