"""The running app on the forerunner's `config.json` alone, as the forerunner wrote it: each key shows its effect."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from client.azurite import CONTAINERS
from client.noida import NoidaDb
from client.seaweedfs import ACCESS_KEY_ID, SECRET_ACCESS_KEY, SeaweedFs
from tests.free_ports import free_ports
from tests.host.archive import Archive, an_archive, eventually
from tests.instances import an_instance, uids
from tests.search_servers import running_noida
from tests.seaweedfs import running_seaweedfs

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

BUCKET, INDEX = "dicom-test", "forerunner-index"


@pytest.fixture(scope="module")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFs]:
    """Give an S3 service that refuses other credentials than the file's, with the file's bucket."""
    with running_seaweedfs(tmp_path_factory.mktemp("s3")) as running:
        running.client().create_bucket(Bucket=BUCKET)
        yield running


@pytest.fixture(scope="module")
def noida(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NoidaDb]:
    """Give a search server at a port that only the file tells."""
    noida = NoidaDb(free_ports(8) + 7)
    with running_noida(tmp_path_factory.mktemp("noida"), noida):
        yield noida


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archive(
    seaweedfs: SeaweedFs, noida: NoidaDb, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Archive]:
    """Give an archive that knows both from the file; what the service's kind asks for is set beside it."""
    folder = tmp_path_factory.mktemp("archive")
    file = folder / "config.json"
    config = {
        "es.url": "127.0.0.1",
        "es.port": noida.port,
        "es.scheme": "http",
        "es.http_compress": False,
        "s3.url": seaweedfs.endpoint,
        "s3.account": "read by nobody",
        "s3.acces_key_id": ACCESS_KEY_ID,
        "s3.sercret_access_key": SECRET_ACCESS_KEY,
        "s3.bucket": BUCKET,
        "s3.index": INDEX,
        "s3.content_type": "application/x-forerunner",
    }
    file.write_text(json.dumps(config))
    async with an_archive(folder / "data") as running:
        left_to_the_file = ("DICOM_OBJECT_STORE", "DICOM_WATCHED_CONTAINERS")
        await running.start(unset=left_to_the_file, DICOM_CONFIG_FILE=str(file), DICOM_S3_KEYS="folders")
        yield running


async def test_a_file_lies_in_the_bucket_and_the_index_of_the_file(
    archive: Archive, seaweedfs: SeaweedFs, noida: NoidaDb
) -> None:
    """Without a word about it in the request: address, credentials, bucket, media type, index."""
    data = an_instance(1, PatientID="P 1")
    url = f"{archive.app.url}/search/file"
    async with archive.session.put(url, params={"object_key": "a.dcm"}, data=data) as response:
        told = await response.json(content_type=None)
        assert (response.status, told["bucket"]) == (201, BUCKET), told
    answer = seaweedfs.client().get_object(Bucket=BUCKET, Key="a.dcm")
    assert (answer["Body"].read(), answer["ContentType"]) == (data, "application/x-forerunner")

    async def found() -> Any:
        body = {"query": {"term": {"PatientID": "P 1"}}}
        async with archive.session.post(f"{archive.app.url}/search", json=body) as asked:
            return asked.status == 200 and (await asked.json(content_type=None))["hits"]

    await eventually(found)
    assert [hit["object_key"] for hit in await found()] == ["a.dcm"]
    async with archive.session.get(f"{noida.url}/{INDEX}/_count") as counted:
        assert (counted.status, (await counted.json(content_type=None))["count"]) == (200, 1)


async def test_what_lies_in_its_bucket_is_found_and_the_request_goes_before_the_file(
    archive: Archive, seaweedfs: SeaweedFs
) -> None:
    """The bucket is watched; media type and overwriting are the request's; other buckets are not open to keys."""
    s3 = seaweedfs.client()
    s3.put_object(Bucket=BUCKET, Key="dropped", Body=an_instance(2))
    await eventually(lambda: archive.search("studies", StudyInstanceUID=uids(2)[0]))

    url = f"{archive.app.url}/search/file"
    asked = {"object_key": "b.dcm", "content_type": "application/x-asked"}
    async with archive.session.put(url, params=asked, data=an_instance(3)) as response:
        assert response.status == 201
    assert s3.head_object(Bucket=BUCKET, Key="b.dcm")["ContentType"] == "application/x-asked"
    for bucket in CONTAINERS:
        named = {"object_key": "b.dcm", "bucket": bucket}
        async with archive.session.put(url, params=named, data=an_instance(3)) as response:
            assert (response.status, BUCKET in await response.text()) == (400, True)
