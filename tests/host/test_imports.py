"""Imports from a real Orthanc into the running archive, by its HTTP API and its queue."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bench.orthanc import Orthanc
from tests.host.archive import Archive, an_archive
from tests.host.imports import begin, ended, fill, manifest_of, sources_of
from tests.instances import uids
from tests.orthanc import an_orthanc

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

STUDIES, INSTANCES = 6, 4


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def orthanc(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Orthanc]:
    """Give an Orthanc."""
    async with an_orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def importing(tmp_path_factory: pytest.TempPathFactory, orthanc: Orthanc) -> AsyncIterator[Archive]:
    """Give a running archive whose settings name the Orthanc, which holds some studies."""
    async with an_archive(tmp_path_factory.mktemp("archive")) as archive:
        await fill(archive, orthanc, range(1, STUDIES + 1), INSTANCES)
        await archive.start(DICOM_IMPORT_SOURCES=sources_of(orthanc), DICOM_IMPORT_LOOPBACK="true")
        yield archive


async def test_studies_of_an_orthanc_are_imported(importing: Archive, tmp_path: Path) -> None:
    """Every instance is in the archive, byte by byte, and a second import fetches none."""
    told = await ended(importing, await begin(importing, source="orthanc"))

    assert (told["status"], told["studies"], told["failures"]) == ("done", STUDIES, [])
    assert told["instances"]["stored"] == STUDIES * INSTANCES
    rows = await importing.search("studies")
    assert {row["0020000D"]["Value"][0] for row in rows} == {uids(n)[0] for n in range(1, STUDIES + 1)}
    manifest = await manifest_of(importing, told)
    assert len({entry["sha256"] for entry in manifest}) == STUDIES * INSTANCES
    assert not any("mismatch" in entry for entry in manifest)
    again = await ended(importing, await begin(importing, source="orthanc"))
    assert (again["instances"]["stored"], again["instances"]["present"]) == (0, STUDIES * INSTANCES)


async def test_a_filter_takes_one_study_by_dicomweb_into_numbered_files(importing: Archive) -> None:
    """The study that was asked for, and no other, lies in the container, with a manifest beside it."""
    told = await ended(
        importing, await begin(importing, source="web", patient="P2", container="images", prefix="flat/")
    )

    assert (told["status"], told["studies"], told["instances"]["stored"]) == ("done", 1, INSTANCES)
    names = [blob.name async for blob in importing.container("images").list_blobs(name_starts_with="flat/")]
    assert names == [*(f"flat/1000000{n}.dcm" for n in range(1, INSTANCES + 1)), "flat/manifest.jsonl"]


async def test_what_is_new_is_imported(importing: Archive, orthanc: Orthanc) -> None:
    """An incremental import takes what came since the last one."""
    first = await ended(importing, await begin(importing, source="orthanc", incremental=True))
    assert first["status"] == "done"
    await fill(importing, orthanc, range(50, 52), 2)
    second = await ended(importing, await begin(importing, source="orthanc", incremental=True))
    assert (second["instances"]["stored"], second["instances"]["present"]) == (4, 0)
    third = await ended(importing, await begin(importing, source="orthanc", incremental=True))
    assert sum(third["instances"].values()) == 0


async def test_what_nobody_may_ask_for_is_refused(importing: Archive, orthanc: Orthanc) -> None:
    """Hosts that are not allowed, sources that are not there, keys without meaning, and no JSON."""
    url = f"{importing.app.url}/imports"
    asked: list[tuple[Any, int]] = [
        ({"kind": "orthanc", "url": f"http://127.0.0.1:{orthanc.port}"}, 400),
        ({"kind": "orthanc", "url": "http://169.254.169.254/latest"}, 400),
        ({"source": "nowhere"}, 404),
        ({"source": "orthanc", "patients": "P1"}, 400),
        ({"source": "orthanc", "date": "2024"}, 400),
        ({"source": "orthanc", "container": "archive"}, 400),
        ({"source": "orthanc", "container": "images", "prefix": "../x/"}, 400),
        ({"source": "web", "incremental": True, "patient": "P1"}, 400),
        ([], 400),
    ]
    for body, status in asked:
        async with importing.session.post(url, json=body) as response:
            assert response.status == status, (body, await response.text())
