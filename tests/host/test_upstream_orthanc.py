"""The archive in front of an Orthanc: requests pass through, and what Orthanc holds is found, assessed and read here."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio

from bench.orthanc import Orthanc
from tests.host.archive import Archive, eventually
from tests.host.upstream import JSON, MULTIPART, body_of, files_of, in_front, instance_url, store
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
    key = f"upstream/{'/'.join(uids(2))}"
    await eventually(lambda: is_indexed(archive, key))

    async with archive.session.get(f"{archive.app.url}/search?q={instance}") as response:
        [hit] = (await response.json())["hits"]
    assert f"{hit['bucket']}/{hit['object_key']}" == key
    async with archive.session.get(f"{archive.app.url}/search/file?q={instance}") as response:
        assert (response.status, await response.read()) == (200, data)
    async with archive.session.get(f"{archive.app.url}/risk/studies/{study}") as response:
        assert response.status == 200, await response.text()
    async with archive.session.get(f"{archive.app.url}/describe/studies/{study}") as response:
        assert response.status in (200, 400, 404)


async def test_what_is_stored_there_is_found_by_the_feed(archive: Archive, orthanc: Orthanc) -> None:
    """Nobody told this archive; a deletion by this archive takes it out of the index at once."""
    headers = {"Content-Type": MULTIPART, **JSON}
    body = body_of(*(an_instance(3, 1, number) for number in range(1, 8)))
    async with archive.session.post(f"{orthanc.root}/studies", data=body, headers=headers) as response:
        assert response.status == 200
    keys = [f"upstream/{'/'.join(uids(3, 1, number))}" for number in range(1, 8)]
    for key in keys:
        await eventually(partial(is_indexed, archive, key))

    study, series, instance = uids(3)
    url = f"{archive.dicomweb}/studies/{study}/series/{series}/instances/{instance}"
    async with archive.session.delete(url) as response:
        assert (response.status, response.headers["X-Upstream-Status"]) == (204, "204")
    assert not await is_indexed(archive, keys[0])
    assert await is_indexed(archive, keys[1])
    async with archive.session.delete(url) as response:
        assert response.status == 404
    async with archive.session.delete(f"{archive.dicomweb}/studies/{study}") as response:
        assert response.status == 204
    assert await archive.search("studies", StudyInstanceUID=study) == []
    assert not any([await is_indexed(archive, key) for key in keys])


async def is_indexed(archive: Archive, key: str) -> bool:
    """Tell whether the ledger has an object as indexed."""
    async with archive.session.get(f"{archive.app.url}/ledger/{key}") as response:
        return response.status == 200 and (await response.json())["state"] == "indexed"
