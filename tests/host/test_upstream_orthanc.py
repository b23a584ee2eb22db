"""The archive in front of an Orthanc: requests pass through, and what Orthanc holds is found, assessed and read here."""

from collections.abc import AsyncIterator
from functools import partial

import aiohttp
import pytest
import pytest_asyncio

from bench.orthanc import Orthanc
from shared.ports.upstream import UpstreamFeed
from tests.contract.upstream_feed import OpenService, UpstreamFeedContract
from tests.host.archive import Archive, eventually
from tests.host.upstream import (
    JSON,
    MULTIPART,
    body_of,
    feed_of,
    files_of,
    in_front,
    instance_url,
    is_indexed,
    store,
)
from tests.instances import an_instance, uids
from tests.orthanc import an_orthanc

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def orthanc(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Orthanc]:
    """Give a running, empty Orthanc."""
    async with an_orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archive(orthanc: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    """Give an archive in front of it."""
    url = orthanc.root.removesuffix("/dicom-web")
    async with in_front(tmp_path_factory.mktemp("front"), url, "orthanc") as running:
        yield running


async def test_what_is_stored_here_lies_there(archive: Archive, orthanc: Orthanc) -> None:
    """STOW, WADO and QIDO pass through byte for byte; addresses in answers are ours, of Orthanc's there is none."""
    data = [an_instance(1, 1, number, size=300_000) for number in (1, 2)]
    status, answer, headers = await store(archive, *data)
    assert (status, headers["X-Upstream-Status"]) == (200, "200")
    urls = [item["00081190"]["Value"][0] for item in answer["00081199"]["Value"]]
    assert urls == [instance_url(archive.dicomweb, 1, 1, number) for number in (1, 2)]

    study = uids(1)[0]
    assert sorted(await files_of(archive.session, f"{orthanc.root}/studies/{study}")) == sorted(data)
    assert sorted(await files_of(archive.session, f"{archive.dicomweb}/studies/{study}")) == sorted(data)
    [row] = await archive.search("studies", StudyInstanceUID=study)
    assert row["00081190"]["Value"] == [f"{archive.dicomweb}/studies/{study}"]
    async with archive.session.get(f"{archive.dicomweb}/studies/{study}/metadata", headers=JSON) as response:
        text = await response.text()
    assert f"{archive.dicomweb}/studies/{study}/series" in text
    assert orthanc.root not in text


async def test_what_is_stored_is_found_here(archive: Archive) -> None:
    """Search, ledger, risk and file: as of any instance, though the bytes are in Orthanc."""
    data = an_instance(2, size=300_000)
    assert (await store(archive, data))[0] == 200
    study, _, instance = uids(2)
    await eventually(lambda: is_indexed(archive, 2))

    async with archive.session.get(f"{archive.app.url}/search?q={instance}") as response:
        [hit] = (await response.json())["hits"]
    assert (hit["bucket"], hit["object_key"]) == ("upstream", "/".join(uids(2)))
    async with archive.session.get(f"{archive.app.url}/search/file?q={instance}") as response:
        assert (response.status, await response.read()) == (200, data)
    async with archive.session.get(f"{archive.app.url}/risk/studies/{study}") as response:
        assert response.status == 200, await response.text()
    async with archive.session.get(instance_url(f"{archive.app.url}/describe", 2)) as response:
        assert response.status == 200


async def test_what_is_stored_there_is_found_by_the_feed(archive: Archive, orthanc: Orthanc) -> None:
    """Nobody told this archive; a deletion by this archive takes it out of the index at once."""
    headers = {"Content-Type": MULTIPART, **JSON}
    body = body_of(*(an_instance(3, 1, number) for number in range(1, 8)))
    async with archive.session.post(f"{orthanc.root}/studies", data=body, headers=headers) as response:
        assert response.status == 200
    for number in range(1, 8):
        await eventually(partial(is_indexed, archive, 3, 1, number))

    study, series, instance = uids(3)
    url = f"{archive.dicomweb}/studies/{study}/series/{series}/instances/{instance}"
    async with archive.session.delete(url) as response:
        assert (response.status, response.headers["X-Upstream-Status"]) == (204, "204")
    assert not await is_indexed(archive, 3)
    assert await is_indexed(archive, 3, 1, 2)
    async with archive.session.delete(url) as response:
        assert response.status == 404
    async with archive.session.delete(f"{archive.dicomweb}/studies/{study}") as response:
        assert response.status == 204
    assert await archive.search("studies", StudyInstanceUID=study) == []
    assert not any([await is_indexed(archive, 3, 1, number) for number in range(1, 8)])


async def test_what_orthanc_does_not_tell_reconciling_finds(archive: Archive, orthanc: Orthanc) -> None:
    """Its log of changes has no deletions; a pass over the index asks for each instance."""
    assert (await store(archive, an_instance(4), an_instance(4, 1, 2)))[0] == 200
    for number in (1, 2):
        await eventually(partial(is_indexed, archive, 4, 1, number))
    root = orthanc.root.removesuffix("/dicom-web")
    async with archive.session.post(f"{root}/tools/lookup", data=uids(4)[2]) as response:
        [found] = await response.json(content_type=None)
    async with archive.session.delete(f"{root}{found['Path']}") as response:
        assert response.status == 200

    async def is_put_right() -> bool:
        async with archive.session.post(f"{archive.app.url}/ledger/reindex") as response:
            assert response.status in (200, 202, 503), await response.text()
        return not await is_indexed(archive, 4)

    await eventually(is_put_right)
    assert await is_indexed(archive, 4, 1, 2)


class OrthancService:
    """An Orthanc to which instances are added."""

    def __init__(self, orthanc: Orthanc, study: int) -> None:
        self.orthanc = orthanc
        self.study = study

    async def store(self, *numbers: int) -> None:
        """Store instances one by one."""
        headers = {"Content-Type": MULTIPART, **JSON}
        async with aiohttp.ClientSession() as session:
            for number in numbers:
                body = body_of(an_instance(self.study, 1, number))
                async with session.post(
                    f"{self.orthanc.root}/studies", data=body, headers=headers
                ) as response:
                    assert response.status == 200

    def feed(self, limit: int) -> UpstreamFeed:
        """Return its feed."""
        return feed_of(self.orthanc.root.removesuffix("/dicom-web"), "orthanc", limit)


class TestOrthancFeed(UpstreamFeedContract):
    """Its /changes as a feed: most of them are of series, studies and patients, so pages are empty at times."""

    numbers = iter(range(1000, 2000))

    @pytest.fixture
    def open_service(self, orthanc: Orthanc) -> OpenService:
        async def opened() -> OrthancService:
            return OrthancService(orthanc, next(self.numbers))

        return opened
