"""The running app beside a search server that comes late and goes: ingest waits for nothing, and the search catches up."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from elasticsearch import AsyncElasticsearch

from client.noida import NoidaDb
from tests.free_ports import free_ports
from tests.host.archive import Archive, an_archive, eventually
from tests.host.test_reindex import reconciled
from tests.instances import an_instance, uids
from tests.search_servers import running_noida

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def noida() -> NoidaDb:
    """Give a port of a search server that does not run yet; beyond those that the archive takes from the first free one."""
    return NoidaDb(free_ports(8) + 7)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archive(noida: NoidaDb, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    """Give a running, empty archive that is to search there."""
    async with an_archive(tmp_path_factory.mktemp("archive")) as running:
        await running.start(
            **noida.settings(), DICOM_SEARCH_IDENTIFYING="hashed", DICOM_SEARCH_ENGINE="elasticsearch"
        )
        yield running


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the search server's data."""
    return tmp_path_factory.mktemp("noida")


async def _store(archive: Archive, study: int, instance: int = 1) -> None:
    headers = {"Content-Type": "application/dicom"}
    data = an_instance(study, 1, instance, PatientID="A 1")
    async with archive.session.post(f"{archive.dicomweb}/studies", data=data, headers=headers) as response:
        assert response.status == 200, await response.text()


async def _search(archive: Archive, **parameters: str) -> tuple[int, Any]:
    async with archive.session.get(f"{archive.app.url}/search", params=parameters) as response:
        return response.status, await response.json(content_type=None)


async def _ask(archive: Archive, body: Any) -> tuple[int, Any]:
    async with archive.session.post(f"{archive.app.url}/search", json=body) as response:
        return response.status, await response.json(content_type=None)


async def _finds(archive: Archive, *studies: int) -> None:
    """Wait until a search by PatientID finds one instance of each of these studies, and nothing else."""

    async def is_so() -> bool:
        status, answer = await _search(archive, PatientID="A 1")
        expected = sorted("/".join(uids(study)) for study in studies)
        return status == 200 and sorted(hit["id"] for hit in answer["hits"]) == expected

    await eventually(is_so)


async def _health_of_search(archive: Archive) -> tuple[int, str, str]:
    async with archive.session.get(f"{archive.app.url}/health/check") as response:
        answer = await response.json()
        return response.status, answer["status"], answer["dependencies"]["search index"]


async def test_ingest_waits_for_no_search_server(archive: Archive, noida: NoidaDb, data: Path) -> None:
    """Stored and dropped while it is down: accepted, and found by id; by value once it is up, and again after it was down."""
    await _store(archive, 1)
    await archive.container("images").upload_blob("any name", an_instance(2, PatientID="A 1"))
    assert (await _search(archive, PatientID="A 1"))[0] == 503
    status, answer = await _search(archive, q="/".join(uids(1)))
    assert (status, answer["total"]) == (200, 1)

    assert await _health_of_search(archive) == (200, "degraded", "unreachable")
    # No key of the tables: the index is asked, and while it is down the tables, which hold little enough.

    async def both() -> bool:
        return len(await archive.search("instances", InstanceNumber="1")) == 2

    await eventually(both)

    server = running_noida(data, noida)
    await asyncio.to_thread(server.__enter__)
    await _finds(archive, 1, 2)
    assert await _health_of_search(archive) == (200, "ok", "ok")
    assert await both()
    assert await archive.search("instances", InstanceNumber="2") == []
    server.__exit__(None, None, None)
    await _store(archive, 3)
    async with archive.session.delete(f"{archive.dicomweb}/studies/{uids(1)[0]}") as response:
        assert response.status == 204
    assert (await _search(archive, PatientID="A 1"))[0] == 503

    server = running_noida(data, noida)
    await asyncio.to_thread(server.__enter__)
    try:
        await _finds(archive, 2, 3)
        await _queries_are_answered(archive)
        await _the_command_finds_them(archive)
        await _drift_is_repaired(archive, noida)
    finally:
        server.__exit__(None, None, None)


async def _queries_are_answered(archive: Archive) -> None:
    asked = {"query": {"term": {"(0008,0060)": "CT"}}, "facets": True}
    status, answer = await _ask(archive, asked)
    assert (status, answer["total"]) == (200, 2)
    assert answer["facets"]["modality"] == {"CT": 2}
    assert answer["facets"]["year"] == {"2024": 2}
    assert sum(answer["facets"]["risk"].values()) == 2
    # What was dropped under a name of the user's choosing is told from the tables: the index has no such name.
    assert {hit["bucket"] for hit in answer["hits"]} == {"images", "archive"}
    refused: list[Any] = [{"script": {}}, {"prefix": {"PatientID": "A"}}, {"term": {"No": 1}}]
    for query in refused:
        assert (await _ask(archive, {"query": query}))[0] == 400
    async with archive.session.get(
        f"{archive.app.url}/search/file", params={"object_key": "any name", "bucket": "images"}
    ) as response:
        assert (response.status, await response.read()) == (200, an_instance(2, PatientID="A 1"))
    async with archive.session.get(
        f"{archive.app.url}/search/file", params={"SOPInstanceUID": uids(3)[2]}
    ) as response:
        assert (response.status, await response.read()) == (200, an_instance(3, PatientID="A 1"))


async def _the_command_finds_them(archive: Archive) -> None:
    command = [sys.executable, "-m", "client", "search", "--url", archive.app.url]
    saved = archive.folder / "found.json"
    asked = [["Patient ID=A 1"], ["PatientID=nobody"], ["PatientID=A 1", "--just-find"], ["No=1"]]
    asked.append(["PatientID=A 1", "--fields", "Modality", "--facets", "-o", str(saved)])
    ended = []
    for words in asked:
        process = await asyncio.create_subprocess_exec(
            *command, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        out, _ = await process.communicate()
        ended.append((process.returncode, sorted(out.decode().split())))
    ids = sorted("/".join(uids(study)) for study in (2, 3))
    assert ended == [(0, ids), (3, []), (0, ["2"]), (1, []), (0, ids)]
    told = json.loads(saved.read_text())
    assert (told["total"], told["facets"]["modality"]) == (2, {"CT": 2})
    assert [hit["fields"] for hit in told["hits"]] == [{"Modality": ["CT"]}] * 2


async def _drift_is_repaired(archive: Archive, noida: NoidaDb) -> None:
    """C003-11: a document that was removed comes back, one of nothing goes, and the drift report shows both."""
    lost = "default/" + "/".join(uids(3))
    ghost = {"StudyInstanceUID": "9.1", "SeriesInstanceUID": "9.1.1", "SOPInstanceUID": "9.1.1.1"}
    document = {"partition": "default", "deleted": False, "truncated": False, **ghost}
    async with AsyncElasticsearch(noida.url) as client:
        (index,) = await client.indices.get(index="dicom-functions-*")
        await client.delete(index=index, id=lost)
        await client.index(index=index, id="default/9.1/9.1.1/9.1.1.1", document=document)

    report = await reconciled(archive, restart="true")
    found = {kind: report["drift"].get(kind, {}).get("count") for kind in ("unsearched", "document")}
    assert found == {"unsearched": 1, "document": 1}
    async with archive.session.get(f"{archive.app.url}/ledger") as response:
        assert (await response.json())["last"]["drift"]["document"]["examples"] == ["9.1/9.1.1/9.1.1.1"]
    await _finds(archive, 2, 3)

    async def is_gone() -> bool:
        _, answer = await _ask(archive, {"query": {"term": {"StudyInstanceUID": "9.1"}}})
        return answer.get("found") is False

    await eventually(is_gone)
    assert {"unsearched", "document"}.isdisjoint((await reconciled(archive, restart="true"))["drift"])
