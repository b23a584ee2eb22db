"""Reconciling through the running app: lost events and lost tables are made up for."""

import asyncio
import base64
import json
import random
import signal
from typing import Any

import pytest
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueClient

from client.azurite import TABLES
from tests.host.archive import Archive, eventually
from tests.host.test_cases import a_form, case_of
from tests.instances import ROOT, an_instance, uids

pytestmark = [pytest.mark.host]

NO_REPORTS = tuple(name for name in TABLES if name != "report")
PER_STUDY = 25


async def reconciled(archive: Archive, **options: str) -> dict[str, Any]:
    """Reconcile to the end, and return the report."""
    for _ in range(200):
        async with archive.session.post(f"{archive.app.url}/ledger/reindex", params=options) as answer:
            report: dict[str, Any] = await answer.json()
            if answer.status == 200:
                return report
            assert answer.status == 202, report
            options.pop("restart", None)
    raise AssertionError("reconciling came to no end")


async def json_of(archive: Archive, path: str) -> Any:
    """Return what the app answers at a path."""
    async with archive.session.get(f"{archive.app.url}/{path}") as answer:
        return await answer.json(content_type=None)


async def test_a_lost_event_is_made_up_for_by_the_timer(stopped_archive: Archive) -> None:
    """E01: a blob whose event never came is indexed after one pass, and the report shows one that was new."""
    archive = stopped_archive
    await archive.container("images").upload_blob("a/b #1.dcm", an_instance(1))
    await archive.start(
        DICOM_BLOB_EVENTS="queue", DICOM_REINDEX_SCHEDULE="* * * * * *", DICOM_REINDEX_EVERY_HOURS="1"
    )
    study, _, instance = uids(1)
    await eventually(lambda: archive.search("studies", StudyInstanceUID=study))

    async def finished() -> bool:
        return (await json_of(archive, "ledger"))["last"] is not None

    await eventually(finished)
    last = (await json_of(archive, "ledger"))["last"]
    assert last["drift"] == {"new": {"count": 1, "examples": ["images/a/b #1.dcm"]}}
    [found] = (await json_of(archive, f"ledger/{instance}"))["objects"]
    assert (found["name"], found["state"], found["serves"]) == ("a/b #1.dcm", "indexed", True)
    assert await json_of(archive, "ledger/images/a/b%20%231.dcm") == found
    assert "b #1" not in archive.log()


async def _fill(archive: Archive) -> None:
    """Store by every way there is: dropped, copied, damaged, STOW, replaced, of cases by name and as a whole."""
    images = archive.container("images")
    for name, data in {
        "mg/2014/S7/L__CC/1.dcm": an_instance(1),
        "a.dcm": an_instance(2, 1, 1),
        "copy of a.dcm": an_instance(2, 1, 1),
        "b.dcm": an_instance(2, 2, 1),
        "text": b"no DICOM",
    }.items():
        await images.upload_blob(name, data)
    await reconciled(archive)
    for data in (an_instance(3), an_instance(3, PatientName="Test^Other")):
        async with archive.session.put(
            f"{archive.app.url}/v2/studies", data=data, headers={"Content-Type": "application/dicom"}
        ) as answer:
            assert answer.status in (200, 202), await answer.text()
    async with archive.session.put(
        f"{archive.app.url}/v2/partitions/other/studies",
        data=an_instance(4),
        headers={"Content-Type": "application/dicom"},
    ) as answer:
        assert answer.status in (200, 202), await answer.text()
    async with archive.session.put(f"{archive.app.url}/cases/2014/S2", data=a_form(5)) as answer:
        assert answer.status == 201, await answer.text()


async def _dump(archive: Archive) -> dict[str, Any]:
    """Return what clients see: every search and all metadata, the cases, and where every object stands."""
    seen: dict[str, Any] = {}
    for root in ("dicomweb", "dicomweb/partitions/other"):
        for level in ("studies", "series", "instances"):
            seen[f"{root}/{level}"] = await json_of(archive, f"{root}/{level}?includefield=all&limit=100")
        for study in seen[f"{root}/studies"] or []:
            path = f"{root}/studies/{study['0020000D']['Value'][0]}"
            seen[path] = await json_of(archive, f"{path}/metadata")
    for query in (
        "PatientID=P3",
        "PatientName=Test^Pat*",
        f"SOPInstanceUID={uids(2)[2]}",
        "StudyDate=20240229",
    ):
        seen[query] = await json_of(archive, f"dicomweb/instances?{query}")
    seen["cases"] = await json_of(archive, "cases")
    seen["whole"], seen["named"] = await case_of(archive, "S2"), await json_of(archive, "cases/2014/S7")
    for container in ("images", "archive"):
        async for name in archive.container(container).list_blob_names():
            partition = "?partition=other" if name.startswith("other/") else ""
            said = await json_of(archive, f"ledger/{container}/{name}{partition}")
            seen[f"{container}/{name}"] = {key: value for key, value in said.items() if key != "operation_id"}
    return seen


@pytest.mark.parametrize(
    "lost", [("objects",), ("instances",), ("cases",), NO_REPORTS], ids=lambda lost: f"{len(lost)} {lost[0]}"
)
async def test_lost_tables_come_back(stopped_archive: Archive, lost: tuple[str, ...]) -> None:
    """Searches, metadata, cases and the ledger answer as before; the feed goes on, or starts anew with every instance."""
    archive = stopped_archive
    await archive.start(DICOM_BLOB_EVENTS="queue")
    await _fill(archive)
    before = await _dump(archive)
    instances = len(before["dicomweb/instances"]) + len(before["dicomweb/partitions/other/instances"])
    assert instances == 8 + 1
    archive.stop(signal.SIGTERM)
    async with TableServiceClient.from_connection_string(archive.azurite.connection_string) as tables:
        for name in lost:
            await tables.delete_table(name)
    await archive.azurite.furnish()
    await archive.start(DICOM_BLOB_EVENTS="queue")

    report = await reconciled(archive, force="true")

    assert report["drift"]
    assert report["not_checked"] == {"count": 0, "missing": []}
    assert await _dump(archive) == before
    if "changes" in lost:
        entries = await archive.changes()
        assert len({entry["SopInstanceUid"] for entry in entries}) == instances
        assert [entry["Sequence"] for entry in entries] == list(range(1, len(entries) + 1))
    again = await reconciled(archive)
    assert (again["drift"], again["objects"]) == ({}, report["objects"])


async def test_lost_doubled_and_shuffled_events(stopped_archive: Archive) -> None:
    """After one pass the index equals the listing, and the ledger accounts for each blob once.

    Of the blobs every tenth event is lost and every fifth doubled, in any order, and the app is killed on the way.
    """
    archive, images, count = stopped_archive, stopped_archive.container("images"), 300
    turns = asyncio.Semaphore(16)

    def content(number: int) -> bytes:
        study, instance = number // PER_STUDY, number % PER_STUDY + 1
        return b"no DICOM" if number % 97 == 0 else an_instance(study, 1, instance)

    async def drop(number: int) -> None:
        async with turns:
            await images.upload_blob(f"{number:05}.dcm", content(number))

    await asyncio.gather(*(drop(number) for number in range(count)))
    numbers = [number for number in range(count) if number % 10] + list(range(1, count, 5))
    random.Random(1).shuffle(numbers)
    connection = archive.azurite.connection_string
    async with QueueClient.from_connection_string(connection, "blob-events") as queue:

        async def tell(number: int) -> None:
            subject = f"/blobServices/default/containers/images/blobs/{number:05}.dcm"
            event = {"eventType": "Microsoft.Storage.BlobCreated", "subject": subject, "data": {}}
            async with turns:
                await queue.send_message(base64.b64encode(json.dumps(event).encode()).decode())

        await asyncio.gather(*(tell(number) for number in numbers))
        await archive.start("--lease", "4", DICOM_BLOB_EVENTS="queue")

        async def handled() -> bool:
            return (await queue.get_queue_properties()).approximate_message_count == 0

        await eventually(handled, seconds=240)

    async def slice_of_a_pass() -> None:
        try:
            await archive.session.post(f"{archive.app.url}/ledger/reindex")
        except OSError:
            return

    # Killed in the middle of a slice; the next ones go on.
    cut = asyncio.create_task(slice_of_a_pass())

    async def begun() -> bool:
        return (await json_of(archive, "ledger"))["running"] is not None

    await asyncio.wait([asyncio.create_task(eventually(begun)), cut], return_when=asyncio.FIRST_COMPLETED)
    archive.stop(signal.SIGKILL)
    await asyncio.gather(cut, return_exceptions=True)
    await archive.start("--lease", "4", DICOM_BLOB_EVENTS="queue")
    await reconciled(archive)
    report = await reconciled(archive)

    rejected = len(range(0, count, 97))
    assert report["objects"] == {"indexed": count - rejected, "rejected": rejected}
    assert report["drift"] == {}
    rows = await archive.search("studies", limit="5000")
    counted = {row["0020000D"]["Value"][0]: row["00201208"]["Value"][0] for row in rows}
    expected: dict[str, int] = {}
    for number in range(count):
        if number % 97:
            study = f"{ROOT}.{number // PER_STUDY}"
            expected[study] = expected.get(study, 0) + 1
    assert counted == expected
    async with TableServiceClient.from_connection_string(connection) as tables:
        names = [row["name"] async for row in tables.get_table_client("objects").query_entities("name ge ''")]
    assert sorted(names) == [f"{number:05}.dcm" for number in range(count)]


async def test_a_message_that_was_given_up_is_found_and_replayed(stopped_archive: Archive) -> None:
    """The host gives it up, the timer takes it out of the poison queue and says why; sent again, it works."""
    archive = stopped_archive
    event = {
        "type": "Microsoft.Storage.BlobCreated",
        "subject": "/blobServices/default/containers/images/blobs/late.dcm",
    }
    connection = archive.azurite.connection_string
    await archive.container("images").upload_blob("late.dcm", an_instance(1))
    async with QueueClient.from_connection_string(connection, "blob-events-poison") as poison:
        for content in (json.dumps(event), "no JSON"):
            await poison.send_message(base64.b64encode(content.encode()).decode())
        await archive.start(DICOM_BLOB_EVENTS="queue", DICOM_POISON_SCHEDULE="* * * * * *")
        await eventually(lambda: archive.search("studies", StudyInstanceUID=uids(1)[0]))

        async def kept() -> list[dict[str, Any]]:
            return list((await json_of(archive, "poison"))["messages"])

        await eventually(kept)
        [message] = await kept()
        assert (message["message"], message["queue"]) == ("no JSON", "blob-events")
        assert "not JSON" in message["reason"]
        assert (await poison.get_queue_properties()).approximate_message_count == 0
    async with archive.session.post(f"{archive.app.url}/poison/{message['name']}") as answer:
        assert (answer.status, await answer.json()) == (200, {"replayed": 1})
    assert await kept() == []
