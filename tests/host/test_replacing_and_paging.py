"""On the running app: instances are replaced with their history, also through a kill; searches go on by cursor."""

import asyncio
import re
import signal
from collections import Counter
from typing import Any

import aiohttp
import pytest

from tests.host.archive import Archive
from tests.instances import an_instance, uids

pytestmark = [pytest.mark.host]

LINK = re.compile(r'<([^>]*)>; rel="next"')
SENT = {"Content-Type": "application/dicom", "Accept": "application/dicom+json"}
WANTED = {"Accept": "application/dicom; transfer-syntax=*"}
COUNT = 24


def instance_url(archive: Archive, instance: int) -> str:
    """Return where an instance of the first series is."""
    study, series, sop = uids(0, 1, instance)
    return f"{archive.dicomweb}/studies/{study}/series/{series}/instances/{sop}"


async def send(archive: Archive, method: str, data: bytes, root: str = "dicomweb") -> int:
    """Store one instance; return the status, 0 if the app went away."""
    try:
        url = f"{archive.app.url}/{root}/studies"
        async with archive.session.request(method, url, data=data, headers=SENT) as response:
            await response.read()
            return response.status
    except aiohttp.ClientError:
        return 0


async def served(archive: Archive, url: str) -> bytes:
    """Return an instance as it is stored."""
    async with archive.session.get(url, headers=WANTED) as response:
        assert response.status == 200, await response.text()
        return await response.read()


async def history(archive: Archive, instance: int) -> list[dict[str, Any]]:
    """Return the versions of an instance."""
    async with archive.session.get(f"{instance_url(archive, instance)}/history") as response:
        assert response.status == 200, await response.text()
        versions: list[dict[str, Any]] = await response.json()
        return versions


async def test_replacements_survive_a_kill(stopped_archive: Archive) -> None:
    """The app dies while it replaces: old or new serves, the old is kept; sent again, each was replaced once."""
    archive = stopped_archive
    await archive.start()
    old = {number: an_instance(0, 1, number, size=2000) for number in range(1, COUNT + 1)}
    new = {number: an_instance(0, 1, number, size=3000) for number in range(1, COUNT + 1)}
    for data in old.values():
        assert await send(archive, "POST", data) == 200
    assert await send(archive, "POST", new[1]) == 409

    sending = [asyncio.create_task(send(archive, "PUT", data, "v2")) for data in new.values()]
    await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
    archive.stop(signal.SIGKILL)
    answers = dict(zip(new, await asyncio.gather(*sending), strict=True))
    assert 200 in answers.values()
    await archive.start()
    for number, status in answers.items():
        data = await served(archive, instance_url(archive, number))
        assert data in ((new[number],) if status == 200 else (old[number], new[number]))

    assert {await send(archive, "PUT", data, "v2") for data in new.values()} == {200}
    for number, data in new.items():
        current, replaced = await history(archive, number)
        assert (current["State"], replaced["State"]) == ("current", "replaced")
        assert await served(archive, instance_url(archive, number)) == data
        assert await served(archive, replaced["RetrieveUrl"]) == old[number]
    [row] = await archive.search("studies")
    assert row["00201208"]["Value"] == [COUNT]
    entries = await archive.changes()
    assert Counter((entry["Action"], entry["State"]) for entry in entries) == {
        ("create", "replaced"): COUNT,
        ("update", "current"): COUNT,
    }

    async with archive.session.delete(f"{archive.dicomweb}/studies/{uids(0)[0]}") as response:
        assert response.status == 204
    assert [blob.name async for blob in archive.container("archive").list_blobs()] == []


async def test_a_walk_by_cursor_goes_on_in_another_process(stopped_archive: Archive) -> None:
    """Each study once, though the app was started again, and studies came and went between the pages."""
    archive = stopped_archive
    await archive.start()
    for study in range(1, 10):
        assert await send(archive, "POST", an_instance(study, 1, 1, size=1000)) == 200
    whole = [row["0020000D"]["Value"][0] for row in await archive.search("studies")]
    assert len(whole) == 9

    url: str | None = f"{archive.dicomweb}/studies?limit=2"
    found: list[str] = []
    for page in range(20):
        async with archive.session.get(url or "") as response:
            assert response.status == 200, await response.text()
            found += [row["0020000D"]["Value"][0] for row in await response.json(content_type=None)]
            link = LINK.fullmatch(response.headers.get("Link", ""))
        if link is None:
            break
        url = link[1]
        if page == 0:
            archive.stop(signal.SIGTERM)
            await archive.start()
            assert await send(archive, "POST", an_instance(10, 1, 1, size=1000)) == 200
            async with archive.session.delete(f"{archive.dicomweb}/studies/{whole[0]}") as response:
                assert response.status == 204
    assert len(found) == len(set(found))
    assert set(found) - {uids(10)[0]} == set(whole)

    async with archive.session.get(f"{archive.dicomweb}/studies?cursor=forged") as response:
        assert response.status == 400
