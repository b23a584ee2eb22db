"""The archive in front of an Orthanc: requests pass through, and what Orthanc holds is found, assessed and read here."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bench.orthanc import Orthanc
from tests.host.archive import Archive
from tests.host.upstream import JSON, files_of, in_front, instance_url, store
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
