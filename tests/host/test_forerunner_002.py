"""What the forerunner's downloader promised, through the running app: a study list on a static server, files in an Orthanc."""

import asyncio
import contextlib
import hashlib
import io
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from azure.data.tables.aio import TableServiceClient

from bench.orthanc import Orthanc
from client.__main__ import main
from shared.dicom.orthanc_ids import orthanc_id
from shared.dicom.references import InstanceRef
from tests.host.archive import Archive, an_archive
from tests.host.imports import begin, ended, fill, manifest_of
from tests.instances import an_instance, uids
from tests.orthanc import an_orthanc
from tests.study_list import served, study_list

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

ABSENT = "dd03786b-6cc667d1-a65fa0e9-34101126-6f82ca59"


def image(study: int, number: int) -> str:
    """Return the Orthanc id of a made instance."""
    return orthanc_id(InstanceRef(*uids(study, 1, number)), f"P{study}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archive(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    """Give an archive whose settings name a study list, an empty one, one with faults, and itself."""
    async with AsyncExitStack() as stack:
        orthanc: Orthanc = await stack.enter_async_context(an_orthanc(tmp_path_factory.mktemp("orthanc")))
        running = await stack.enter_async_context(an_archive(tmp_path_factory.mktemp("archive")))
        await fill(running, orthanc, range(1, 4), 2)
        folder = tmp_path_factory.mktemp("lists")
        good = {
            "P1": [image(1, 1), image(1, 2)],
            "P2": [image(2, 1), image(1, 1), image(2, 2)],
            "3": [image(3, 1)],
        }
        study_list(folder / "good", good)
        study_list(folder / "none", {})
        study_list(folder / "empty", {"P1": []})
        study_list(
            folder / "odd", {"P1": [image(1, 1), ABSENT, "../../system"], "P2": [image(2, 1)], "3": []}
        )
        (folder / "odd" / "src" / "studies" / "P2.json").write_text('{"a": 1}, {"b": 2}')
        url, runner = await served(folder)
        stack.push_async_callback(runner.cleanup)
        files = f"http://127.0.0.1:{orthanc.port}"
        sources: dict[str, dict[str, str]] = {
            name: {"kind": "study-list", "url": f"{url}/{name}/src", "files_url": files}
            for name in ("good", "none", "empty", "odd")
        }
        sources["itself"] = {"kind": "dicomweb", "url": running.dicomweb}
        await running.start(DICOM_IMPORT_SOURCES=json.dumps(sources), DICOM_IMPORT_LOOPBACK="true")
        yield running


async def test_c002_1_a_study_list_becomes_numbered_files(archive: Archive) -> None:
    """C002-1, 4, 7: every listed instance, in the order of the list, from 10000001 on; one listed twice is one file."""
    told = await ended(archive, await begin(archive, source="good", container="images", prefix="seed/"))

    assert (told["status"], told["failures"]) == ("done", [])
    wanted = [
        an_instance(1, 1, 1),
        an_instance(1, 1, 2),
        an_instance(2, 1, 1),
        an_instance(2, 1, 2),
        an_instance(3),
    ]
    images = archive.container("images")
    for number, content in enumerate(wanted, 10_000_001):
        blob = await images.download_blob(f"seed/{number}.dcm")
        assert await blob.readall() == content
    manifest = await manifest_of(archive, told)
    assert [(entry["file"], entry["sourceId"]) for entry in manifest][:2] == [
        ("10000001.dcm", image(1, 1)),
        ("10000002.dcm", image(1, 2)),
    ]
    assert [entry["sha256"] for entry in manifest] == [hashlib.sha256(one).hexdigest() for one in wanted]
    assert [entry["size"] for entry in manifest] == [len(one) for one in wanted]
    assert not any("mismatch" in entry for entry in manifest)


async def test_c002_3_a_place_that_is_not_empty_is_refused(archive: Archive) -> None:
    """C002-3: nothing is overwritten."""
    await archive.container("images").upload_blob("taken/notes.txt", b"x", overwrite=True)
    asked = {"source": "good", "container": "images", "prefix": "taken/"}
    async with archive.session.post(f"{archive.app.url}/imports", json=asked) as response:
        assert response.status == 409


async def test_c002_6_one_failure_stops_nothing(archive: Archive) -> None:
    """C002-6, 5, 8: an absent image, an id that is none and a study file that is no JSON are told; the rest is there."""
    told = await ended(archive, await begin(archive, source="odd", partition="odd"))

    assert (told["status"], told["studies"], told["instances"]["stored"]) == ("done", 3, 1)
    errors = {failure["study"]: failure["error"] for failure in told["failures"]}
    assert errors.keys() == {1, 2}
    assert "no JSON" in errors[2]
    failed = [entry for entry in await manifest_of(archive, told) if entry["state"] == "failed"]
    assert {entry["error"] for entry in failed} == {
        "the source answered 404",
        "its imageId in the study list does not look like an id of Orthanc's",
    }
    assert "system" not in json.dumps(told)


async def test_c002_10_empty_lists_succeed(archive: Archive) -> None:
    """C002-10: no study, or no instance in a study, is no failure."""
    for source in ("none", "empty"):
        told = await ended(archive, await begin(archive, source=source))
        assert (told["status"], told["failures"], told["instances"]["stored"]) == ("done", [], 0)


async def test_c002_2_another_archive_is_imported_by_dicomweb(archive: Archive) -> None:
    """C002-2: by QIDO-RS and WADO-RS out of one archive, here into another data partition of the same."""
    await ended(archive, await begin(archive, source="good"))
    told = await ended(archive, await begin(archive, source="itself", partition="copy", patient="P1"))

    assert (told["studies"], told["instances"]["stored"], told["failures"]) == (1, 2, [])
    url = f"{archive.app.url}/dicomweb/partitions/copy/studies/{uids(1)[0]}/series/{uids(1)[1]}/instances/{uids(1)[2]}"
    headers = {"Accept": "application/dicom; transfer-syntax=*"}
    async with archive.session.get(url, headers=headers) as response:
        assert await response.read() == an_instance(1, 1, 1)


async def run(archive: Archive, *words: str) -> tuple[int, str]:
    """Run the command, and return its exit code and all that it printed."""
    printed = io.StringIO()

    def call() -> int:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            return main(["import", *words, "--url", archive.app.url])

    code = await asyncio.to_thread(call)
    return code, printed.getvalue()


async def test_c002_11_the_command_shows_no_patient(archive: Archive, tmp_path: Path) -> None:
    """C002-11, 6: its exit code says whether all came; neither names nor patient ids are on the console or in jobs."""
    code, printed = await run(archive, "good", "--partition", "p1", "--manifest", str(tmp_path / "m.jsonl"))
    assert (code, "5 stored" in printed) == (0, True)
    assert len((tmp_path / "m.jsonl").read_text().splitlines()) == 5
    code, failed = await run(archive, "odd", "--partition", "p2")
    assert (code, "study 2" in failed) == (3, True)
    job = failed.split("job ")[1].split()[0]
    code, again = await run(archive, "--resume", job)
    assert code == 3
    code, refused = await run(archive, "nowhere")
    assert (code, "DICOM_IMPORT_SOURCES" in refused) == (1, True)
    assert (await run(archive))[0] == 1
    code, begun = await run(archive, "good", "--partition", "p1", "--no-wait")
    assert (code, len(begun.strip())) == (0, 32)
    for text in (printed, failed, again, refused, archive.log()):
        assert "Private" not in text
        assert "Test^" not in text
        assert "P1.json" not in text
    rows = await job_rows(archive, job)
    assert rows
    assert not any("P1" in str(value) or "Private" in str(value) for row in rows for value in row.values())


async def job_rows(archive: Archive, job: str) -> list[dict[str, Any]]:
    """Return the rows of a job as they are stored."""
    async with TableServiceClient.from_connection_string(archive.azurite.connection_string) as service:
        table = service.get_table_client("jobs")
        return [dict(row) async for row in table.query_entities(f"PartitionKey eq '{job}'")]
