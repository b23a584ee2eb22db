"""From the objects alone the archive comes back: every table deleted, the search index too, and the answers are as before."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables.aio import TableServiceClient

from client.noida import NoidaDb
from tests.free_ports import free_ports
from tests.host.archive import Archive, an_archive, eventually
from tests.host.test_reindex import NO_REPORTS, _dump, _fill, reconciled
from tests.search_servers import running_noida

pytestmark = [pytest.mark.host, pytest.mark.search]

QUESTIONS: tuple[dict[str, Any], ...] = (
    {"query": {"match_all": {}}, "size": 100, "facets": True},
    {"query": {"term": {"PatientID": "P3"}}, "size": 100, "facets": True},
    {"query": {"term": {"Modality": "MR"}}, "size": 100, "facets": True},
)


@asynccontextmanager
async def a_search_server(folder: Path, noida: NoidaDb) -> AsyncIterator[None]:
    """Run a search server on *folder*."""
    running = running_noida(folder, noida)
    await asyncio.to_thread(running.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


async def searched(archive: Archive) -> dict[str, Any]:
    """Return what the search index answers: hits and facets, by question; without how sure it is and when it was written."""
    found: dict[str, Any] = {}
    for question in QUESTIONS:
        async with archive.session.post(f"{archive.app.url}/search", json=question) as answer:
            said = await answer.json(content_type=None)
            assert answer.status == 200, said
        found[str(question)] = {
            "total": said["total"],
            "facets": said["facets"],
            "hits": sorted(hit["id"] for hit in said["hits"]),
        }
    return found


async def test_all_comes_back_from_objects_alone(tmp_path: Path) -> None:
    """Searches, metadata, cases, the ledger and the search index, after nothing but the containers was left.

    The forerunner's table of reports is no index: it is where reports are, and is kept.
    """
    noida = NoidaDb(free_ports(8) + 7)
    async with an_archive(tmp_path / "archive") as archive:
        async with a_search_server(tmp_path / "before", noida):
            await archive.start(DICOM_BLOB_EVENTS="queue", **noida.settings())
            await _fill(archive)
            before = await _dump(archive)
            instances = len(before["dicomweb/instances"])

            async def all_found() -> bool:
                found = await searched(archive)
                return bool(found[str(QUESTIONS[0])]["total"] == instances)

            await eventually(all_found)
            answered = await searched(archive)
            await asyncio.to_thread(archive.stop, signal.SIGTERM)
        async with TableServiceClient.from_connection_string(archive.azurite.connection_string) as tables:
            for name in NO_REPORTS:
                await tables.delete_table(name)
        await archive.azurite.furnish()

        async with a_search_server(tmp_path / "after", noida):
            await archive.start(DICOM_BLOB_EVENTS="queue", **noida.settings())
            await reconciled(archive, force="true")

            assert await _dump(archive) == before
            await eventually(all_found)
            assert await searched(archive) == answered
            again = await reconciled(archive)
            assert again["drift"] == {}
