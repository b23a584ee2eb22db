"""Files under chosen keys on real stores: what the store is asked, and who wins. The rest of the archive is in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from azure.storage.blob.aio import BlobServiceClient

from client.seaweedfs import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from shared.backends.azure_blob import AzureBlobStore
from shared.backends.azure_http.account import by_connection_string
from shared.backends.azure_options import blob_options
from shared.backends.s3 import S3ObjectStore, S3Options
from shared.backends.s3.client import make_client
from shared.backends.s3.io_threads import IoThreads
from shared.errors import ObjectExistsError
from shared.flows.delete_file import delete_file
from shared.flows.index_instance import IndexPorts
from shared.flows.store_file import FileRequest, StoredFile, store_file
from shared.ports.archive import ObjectStore
from shared.records import ObjectKey
from tests.contract.records import fresh_name
from tests.instances import an_instance
from tests.seaweedfs import running_seaweedfs
from tests.unit.flows.world import World

pytestmark = pytest.mark.azurite


class _Body:
    headers: Mapping[str, str] = {}

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the file."""
        yield self._data


async def _store(ports: IndexPorts, key: ObjectKey, data: bytes, **options: Any) -> StoredFile:
    return await store_file(_Body(data), FileRequest(key, **options), ports)


@pytest.fixture(scope="module")
def s3_options(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Options]:
    """Give an S3 service."""
    with running_seaweedfs(tmp_path_factory.mktemp("s3")) as running:
        yield S3Options(
            endpoint=running.endpoint,
            access_key_id=ACCESS_KEY_ID,
            secret_access_key=SECRET_ACCESS_KEY,
            addressing="path",
            keys="folders",
            content_type="application/x-set",
        )


@pytest.fixture(scope="module")
def client(s3_options: S3Options) -> Any:
    """Give a client of it, to be watched."""
    client = make_client(s3_options)
    client.create_bucket(Bucket="keys")
    return client


@pytest.fixture
async def s3(s3_options: S3Options, client: Any) -> AsyncIterator[S3ObjectStore]:
    """Give a store on that client."""
    threads = IoThreads(8)
    yield S3ObjectStore(client, threads, s3_options)
    threads.close()


@pytest.fixture
async def blobs(azurite: str) -> AsyncIterator[AzureBlobStore]:
    """Give a store on Azurite."""
    async with (
        BlobServiceClient.from_connection_string(azurite, **blob_options(30)) as service,
        by_connection_string(azurite, "blob", 30) as http,
    ):
        await service.create_container(fresh_name("keys"))
        yield AzureBlobStore(service, http)


@pytest.fixture(params=["s3", "azure"])
async def store(
    request: pytest.FixtureRequest, s3: S3ObjectStore, blobs: AzureBlobStore
) -> tuple[ObjectStore, str]:
    """Give one of them, and the name of a container."""
    if request.param == "s3":
        return s3, "keys"
    return blobs, [item["name"] async for item in blobs._service.list_containers(name_starts_with="keys")][-1]


def _ports(objects: ObjectStore) -> IndexPorts:
    return replace(World().index_ports, objects=objects)


@pytest.mark.parametrize("attempt", range(3))
async def test_of_eight_racing_writers_one_wins_and_seven_are_told(
    store: tuple[ObjectStore, str], attempt: int
) -> None:
    """What lies there is the winner's, and the ledger says so."""
    objects, container = store
    ports, key = _ports(objects), ObjectKey(container, f"race/{attempt}.dcm")
    results = await asyncio.gather(
        *(_store(ports, key, an_instance(number)) for number in range(1, 9)), return_exceptions=True
    )

    winners = [number for number, one in enumerate(results, 1) if isinstance(one, StoredFile)]
    assert sum(isinstance(one, ObjectExistsError) for one in results) == 7
    [winner] = winners
    found = await objects.read_range(key, 0, 1 << 20)
    assert found.data == an_instance(winner)
    entry = await ports.ledger.get(key)
    assert entry is not None
    assert entry.etag == found.info.etag


async def test_a_replacement_replaces_what_it_saw(store: tuple[ObjectStore, str]) -> None:
    """With allow_overwrite, small and large, and the index follows."""
    objects, container = store
    ports, key = _ports(objects), ObjectKey(container, "replaced.dcm")
    large = an_instance(2, Rows=1024, Columns=5120, PixelData=bytes(5 * 1024 * 1024))
    await _store(ports, key, an_instance(1))
    ports = replace(ports, derived_container=container)
    for data in (large, an_instance(3)):
        stored = await _store(ports, key, data, allow_overwrite=True)
        assert stored.replaced
        assert (await objects.read_range(key, 0, 1 << 24)).data == data
    await delete_file(key, ports)
    assert await ports.ledger.get(key) is None
    assert [info async for info in objects.scan(container, prefix="staged/")] == []


async def test_storing_asks_the_same_of_an_empty_bucket_and_of_a_full_one(
    s3: S3ObjectStore, client: Any
) -> None:
    """As many requests: four for a small file, none of them a listing. A replacement looks for thumbnails of what was there."""
    sent: list[str] = []
    sent_in_all: list[str] = []
    ports = _ports(s3)

    async def asked(name: str, **options: Any) -> list[str]:
        sent.clear()
        await _store(ports, ObjectKey("keys", name), an_instance(len(sent_in_all) + 1), **options)
        sent_in_all.append(name)
        return list(sent)

    await asked("first.dcm")
    client.meta.events.register(
        "before-call.s3", lambda model, **_: sent.append(model.name), unique_id="count"
    )
    try:
        empty = [await asked("a.dcm"), await asked("a.dcm", allow_overwrite=True)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: client.put_object(Bucket="keys", Key=f"full/{n}", Body=b""), range(1200)))
        full = [await asked("b.dcm"), await asked("b.dcm", allow_overwrite=True)]
    finally:
        client.meta.events.unregister("before-call.s3", unique_id="count")

    new = ["PutObject", "HeadObject", "GetObject", "HeadObject"]
    looks = ["HeadObject", "HeadObject"]
    # The listing is one of the derived container, by the prefix of one instance.
    replaced = [*looks, "PutObject", *looks, "GetObject", "ListObjectsV2", "HeadObject"]
    assert empty == full == [new, replaced]


async def test_any_client_reads_the_file_and_its_media_type(s3: S3ObjectStore, client: Any) -> None:
    """The bytes are DICOM as they were sent; the type is the parameter's, else the one that is set."""
    ports = _ports(s3)
    for name, asked, given in (
        ("c.dcm", None, "application/x-set"),
        ("d.dcm", "application/x-asked", "application/x-asked"),
    ):
        await _store(ports, ObjectKey("keys", name), an_instance(1), content_type=asked)
        answer = client.get_object(Bucket="keys", Key=name)
        assert (answer["Body"].read(), answer["ContentType"]) == (an_instance(1), given)
