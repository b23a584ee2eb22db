"""The whole archive on an S3 service: what is stored, dropped and deleted, seen by the archive and by another client."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient
from botocore.exceptions import ClientError
from pydicom import dcmread

from client.__main__ import main
from client.seaweedfs import SeaweedFs
from tests.host.archive import Archive, an_archive, eventually
from tests.instances import an_instance, uids
from tests.seaweedfs import running_seaweedfs

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

ANY_SYNTAX = {"Accept": "application/dicom; transfer-syntax=*"}


@pytest.fixture(scope="module")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFs]:
    """Give an S3 service over https, with empty buckets."""
    with running_seaweedfs(tmp_path_factory.mktemp("s3"), https=True) as running:
        yield running


@pytest.fixture(scope="module")
def s3(seaweedfs: SeaweedFs) -> Any:
    """Give a client that knows nothing of the archive."""
    return seaweedfs.client()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archive(seaweedfs: SeaweedFs, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    """Give a running, empty archive whose objects lie there."""
    async with an_archive(tmp_path_factory.mktemp("archive")) as running:
        await running.start(**seaweedfs.settings())
        yield running


def large(study: int, mib: int, **attributes: Any) -> bytes:
    """Return an instance of so many MiB; of none, a small one."""
    if mib:
        attributes |= {"Rows": 1024, "Columns": 1024 * mib, "PixelData": bytes(range(256)) * (4096 * mib)}
    return an_instance(study, **attributes)


async def store(archive: Archive, data: bytes) -> int:
    """Send one instance by STOW-RS; return the status."""
    headers = {"Content-Type": "application/dicom"}
    async with archive.session.post(f"{archive.dicomweb}/studies", data=data, headers=headers) as response:
        await response.read()
        return response.status


def url_of(archive: Archive, study: int) -> str:
    """Name the only instance of a study."""
    one, series, instance = uids(study)
    return f"{archive.dicomweb}/studies/{one}/series/{series}/instances/{instance}"


async def retrieve(archive: Archive, study: int) -> tuple[int, bytes]:
    """Fetch the only instance of a study as it is stored."""
    async with archive.session.get(url_of(archive, study), headers=ANY_SYNTAX) as response:
        return response.status, await response.read()


def objects_of(s3: Any, bucket: str, study: int) -> list[str]:
    """List what a bucket holds of a study."""
    page = s3.list_objects_v2(Bucket=bucket)
    return [listed["Key"] for listed in page.get("Contents", ()) if f"/{uids(study)[0]}/" in listed["Key"]]


@pytest.mark.parametrize(("study", "mib"), [(1, 0), (2, 21)])
async def test_what_is_stored_is_a_file_to_anybody(archive: Archive, s3: Any, study: int, mib: int) -> None:
    """Small or in parts: WADO-RS gives the same bytes, and so does any S3 client, which reads them as DICOM."""
    data = large(study, mib)
    assert await store(archive, data) == 200

    assert await retrieve(archive, study) == (200, data)
    [name] = objects_of(s3, "archive", study)
    answer = s3.get_object(Bucket="archive", Key=name)
    body = answer["Body"].read()
    assert (body, answer["ContentType"]) == (data, "application/dicom")
    assert dcmread(io.BytesIO(body)).StudyInstanceUID == uids(study)[0]


async def test_a_range_of_a_large_instance_is_served(archive: Archive, s3: Any) -> None:
    """Frames are read out of the middle."""
    data = large(3, 9)
    await store(archive, data)
    headers = ANY_SYNTAX | {"Range": "bytes=5000000-5000099"}
    async with archive.session.get(url_of(archive, 3), headers=headers) as response:
        assert (response.status, await response.read()) == (206, data[5_000_000:5_000_100])


async def test_a_dropped_object_is_found_replaced_and_forgotten(archive: Archive, s3: Any) -> None:
    """The bucket is listed; nobody tells the archive."""
    before, after = uids(11)[0], uids(12)[0]
    name = "any folder/#1+%2F é/no extension"
    s3.put_object(Bucket="images", Key=name, Body=an_instance(11))
    await eventually(lambda: archive.search("studies", StudyInstanceUID=before))
    assert await retrieve(archive, 11) == (200, an_instance(11))

    s3.put_object(Bucket="images", Key=name, Body=an_instance(12))
    await eventually(lambda: archive.search("studies", StudyInstanceUID=after))
    assert await archive.search("studies", StudyInstanceUID=before) == []

    s3.delete_object(Bucket="images", Key=name)

    async def is_gone() -> bool:
        return await archive.search("studies", StudyInstanceUID=after) == []

    await eventually(is_gone)


async def test_what_is_no_dicom_is_told_to_its_owner(archive: Archive, s3: Any) -> None:
    """One JSON in the bucket of rejected ones; the object stays where it is."""
    s3.put_object(Bucket="images", Key="letter.txt", Body=b"no DICOM at all")

    async def rejection() -> Any:
        try:
            return json.load(s3.get_object(Bucket="rejected", Key="images/letter.txt.json")["Body"])
        except ClientError:
            return None

    await eventually(rejection)
    told = await rejection()
    assert (told["container"], told["name"], told["code"]) == ("images", "letter.txt", "NotDicom")
    assert s3.get_object(Bucket="images", Key="letter.txt")["Body"].read() == b"no DICOM at all"


async def test_delete_removes_the_objects(archive: Archive, s3: Any) -> None:
    """From the archive's bucket, and from a watched one that is not read-only."""
    await store(archive, an_instance(21))
    s3.put_object(Bucket="images", Key=f"drop/{uids(22)[0]}/a.dcm", Body=an_instance(22))
    await eventually(lambda: archive.search("studies", StudyInstanceUID=uids(22)[0]))
    for study in (21, 22):
        async with archive.session.delete(f"{archive.dicomweb}/studies/{uids(study)[0]}") as response:
            assert response.status == 204

    assert objects_of(s3, "archive", 21) == objects_of(s3, "images", 22) == []
    assert (await retrieve(archive, 21))[0] == (await retrieve(archive, 22))[0] == 404


@pytest.mark.parametrize(("study", "mib"), [(31, 0), (32, 9)])
async def test_of_racing_writers_one_wins_and_the_others_are_told(
    archive: Archive, s3: Any, study: int, mib: int
) -> None:
    """Eight at once store the same instance with other contents: one is kept, and it is the one that was told so."""
    contents = [large(study, mib, StudyDescription=f"Writer{writer}") for writer in range(8)]
    statuses = await asyncio.gather(*(store(archive, data) for data in contents))

    [winner] = [number for number, status in enumerate(statuses) if status == 200]
    assert {status for number, status in enumerate(statuses) if number != winner} == {409}
    assert await retrieve(archive, study) == (200, contents[winner])
    assert len(objects_of(s3, "archive", study)) == 1


async def test_a_notification_in_the_queue_is_enough(
    seaweedfs: SeaweedFs, s3: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An archive that does not list finds what S3's messages name, and forgets what they say has gone."""
    async with an_archive(tmp_path_factory.mktemp("told")) as told:
        await told.start(**seaweedfs.settings(), DICOM_BLOB_EVENTS="queue")
        queue = QueueClient.from_connection_string(
            told.azurite.connection_string, "blob-events", message_encode_policy=TextBase64EncodePolicy()
        )

        async def tell(kind: str) -> None:
            record = {
                "eventName": kind,
                "s3": {"bucket": {"name": "images"}, "object": {"key": "told/a+b.dcm"}},
            }
            await queue.send_message(json.dumps({"Records": [record]}))

        async with queue:
            s3.put_object(Bucket="images", Key="told/a b.dcm", Body=an_instance(41))
            await tell("ObjectCreated:Put")
            await eventually(lambda: told.search("studies", StudyInstanceUID=uids(41)[0]))
            assert await retrieve(told, 41) == (200, an_instance(41))
            s3.delete_object(Bucket="images", Key="told/a b.dcm")
            await tell("ObjectRemoved:Delete")

            async def is_gone() -> bool:
                return await told.search("studies", StudyInstanceUID=uids(41)[0]) == []

            await eventually(is_gone)


async def put_file(archive: Archive, data: bytes, key: str, **parameters: str) -> tuple[int, Any]:
    """Store a file under a key of our choice."""
    url, named = f"{archive.app.url}/search/file", {"object_key": key, **parameters}
    async with archive.session.put(url, params=named, data=data) as response:
        return response.status, await response.json(content_type=None)


async def test_a_file_is_stored_fetched_and_deleted_by_its_key(archive: Archive, s3: Any) -> None:
    """Any S3 client reads it there as it was sent; the archive serves it, and forgets it with the object."""
    key, data = "ward 7/é+%2F (1).dcm", large(101, 6)
    status, told = await put_file(archive, data, key)
    assert (status, told["state"], told["bucket"], told["replaced"]) == (201, "indexed", "images", False)
    answer = s3.get_object(Bucket="images", Key=key)
    body = answer["Body"].read()
    assert (body, answer["ContentType"]) == (data, "application/dicom")
    assert dcmread(io.BytesIO(body)).StudyInstanceUID == uids(101)[0]
    assert await retrieve(archive, 101) == (200, data)

    url = f"{archive.app.url}/search/file"
    async with archive.session.get(url, params={"object_key": key}) as response:
        assert (response.status, await response.read()) == (200, data)
    async with archive.session.delete(url, params={"object_key": key}) as response:
        assert response.status == 204
    async with archive.session.get(url, params={"object_key": key}) as response:
        assert (response.status, (await response.json(content_type=None))["code"]) == (404, "ObjectNotFound")
    assert (await retrieve(archive, 101))[0] == 404


async def test_of_racing_writers_of_a_key_one_is_told_that_it_won(archive: Archive, s3: Any) -> None:
    """Over HTTP, on a real service; who may overwrite replaces what he saw."""
    answers = await asyncio.gather(*(put_file(archive, an_instance(n), "race.dcm") for n in (102, 103, 104)))
    assert sorted(status for status, _ in answers) == [201, 409, 409]
    [winner] = [n for n, (status, _) in zip((102, 103, 104), answers, strict=True) if status == 201]
    assert s3.get_object(Bucket="images", Key="race.dcm")["Body"].read() == an_instance(winner)

    status, told = await put_file(archive, an_instance(105), "race.dcm", allow_overwrite="true")
    assert (status, told["replaced"]) == (200, True)
    assert (await retrieve(archive, 105)) == (200, an_instance(105))
    assert (await retrieve(archive, winner))[0] == 404


async def test_files_are_stored_from_the_command_line(
    archive: Archive, s3: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under a prefix or a key; one that is refused does not stop the others, and is not called by its name."""
    files = [tmp_path / name for name in ("Doe^Jane-1.dcm", "Doe^Jane-2.dcm", "Doe^Jane-3.dcm")]
    for file, content in zip(files, (an_instance(111), b"no DICOM", an_instance(112)), strict=True):
        file.write_bytes(content)

    async def run(*words: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, ["store", *words, "--url", archive.app.url])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    code, printed = await run(*map(str, files), "--prefix", "ward/")
    assert (code, "Doe" in printed, "file 2 of 3" in printed) == (3, False, True)
    assert s3.get_object(Bucket="images", Key=f"ward/{files[2].name}")["Body"].read() == an_instance(112)
    assert (await run(str(files[0]), "--key", "own.dcm"))[0] == 0
    code, printed = await run(str(files[2]), "--key", "own.dcm")
    assert (code, "already" in printed) == (3, True)
    assert (await run(str(files[2]), "--key", "own.dcm", "--overwrite"))[0] == 0
    assert s3.get_object(Bucket="images", Key="own.dcm")["Body"].read() == an_instance(112)
