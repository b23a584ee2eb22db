"""What S3ObjectStore asks of a service: few requests, and none of one that would lose an object."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from client.seaweedfs import ACCESS_KEY_ID, SECRET_ACCESS_KEY, SeaweedFs
from shared.backends.s3 import S3ObjectStore, S3Options, open_s3_store
from shared.backends.s3.client import make_client
from shared.backends.s3.io_threads import IoThreads
from shared.errors import BackendUnavailableError, ObjectNotFoundError, SettingsError
from shared.records import ObjectKey
from tests.contract.records import fresh_name
from tests.seaweedfs import running_seaweedfs, self_made_certificate

pytestmark = pytest.mark.azurite

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def moto() -> Iterator[S3Options]:
    """Give a service that keeps names as they are."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Options(
        endpoint=f"http://{host}:{port}",
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=SECRET_ACCESS_KEY,
        addressing="path",
    )
    server.stop()


@pytest.fixture(scope="module")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFs]:
    """Give a service that keeps names as paths, over https."""
    with running_seaweedfs(tmp_path_factory.mktemp("s3"), https=True) as running:
        yield running


def options_of(seaweedfs: SeaweedFs) -> S3Options:
    """Say how it is reached."""
    return S3Options(
        endpoint=seaweedfs.endpoint,
        ca_bundle=str(seaweedfs.certificate),
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=SECRET_ACCESS_KEY,
        addressing="path",
        keys="folders",
    )


@pytest.fixture
def client(moto: S3Options) -> Any:
    """Give a client of the service, to be watched."""
    return make_client(moto)


@pytest.fixture
async def store(moto: S3Options, client: Any) -> AsyncIterator[S3ObjectStore]:
    """Give a store on that client."""
    store = S3ObjectStore(client, IoThreads(8), moto)
    yield store
    await store.close()


@pytest.fixture
def bucket(moto: S3Options) -> str:
    """Give an empty bucket."""
    name = fresh_name("objects")
    make_client(moto).create_bucket(Bucket=name)
    return name


async def test_requests_are_as_few_as_can_be(store: S3ObjectStore, client: Any, bucket: str) -> None:
    """Neither the number of objects nor their size adds a request, and no listing is needed to put or to delete."""
    sent: list[str] = []
    client.meta.events.register("before-call.s3", lambda model, **_: sent.append(model.name))
    key = ObjectKey(bucket, "a")

    async def counted(call: Awaitable[object]) -> list[str]:
        sent.clear()
        await call
        return list(sent)

    first = await counted(store.put(key, b"data", if_absent=True))
    assert first == ["PutObject", "PutObject", "PutObject", "HeadObject"]
    assert await counted(store.put(ObjectKey(bucket, "b"), b"data", if_absent=True)) == [
        "PutObject",
        "HeadObject",
    ]
    assert await counted(store.put(key, bytes(7 * MIB))) == ["PutObject", "HeadObject"]
    assert await counted(store.put(key, bytes(20 * MIB))) == [
        "CreateMultipartUpload",
        *["UploadPart"] * 3,
        "CompleteMultipartUpload",
        "HeadObject",
    ]
    assert await counted(store.read_range(key, 5, 10)) == ["GetObject"]
    assert await counted(store.read_range(key, 0, 20 * MIB)) == ["GetObject"]
    assert await counted(store.head(key)) == ["HeadObject"]
    assert await counted(store.delete(key)) == ["DeleteObject"]


@pytest.mark.parametrize("size", [4, 9 * MIB])
async def test_a_service_that_ignores_conditions_is_refused(
    store: S3ObjectStore, client: Any, bucket: str, size: int
) -> None:
    """Instead of overwriting what is there, a conditional put fails; others go on."""

    def forget(request: Any, **_: object) -> None:
        del request.headers["If-None-Match"]

    client.meta.events.register("before-sign.s3", forget)
    key = ObjectKey(bucket, "a")
    await store.put(key, b"before")
    for _ in range(2):
        with pytest.raises(SettingsError, match="If-None-Match"):
            await store.put(key, bytes(size), if_absent=True)

    assert (await store.read_range(key, 0, 10)).data == b"before"
    assert [info.key.name async for info in store.scan(bucket)] == ["a"]
    with pytest.raises(ObjectNotFoundError):
        await store.head(ObjectKey(bucket, ".dicom-functions/conditional-writes"))


async def test_a_service_that_completes_uploads_regardless_is_refused_those(
    store: S3ObjectStore, client: Any, bucket: str
) -> None:
    """Where only multipart uploads ignore the condition, as on older Ceph, small objects are put all the same."""

    def forget(request: Any, **_: object) -> None:
        del request.headers["If-None-Match"]

    client.meta.events.register("before-sign.s3.CompleteMultipartUpload", forget)

    await store.put(ObjectKey(bucket, "small"), b"data", if_absent=True)
    with pytest.raises(SettingsError, match="multipart"):
        await store.put(ObjectKey(bucket, "large"), bytes(9 * MIB), if_absent=True)
    assert [info.key.name async for info in store.scan(bucket)] == ["small"]


async def test_the_hash_of_an_object_is_kept_and_held_to(
    store: S3ObjectStore, client: Any, bucket: str
) -> None:
    """Any client finds the SHA-256; bytes that do not fit it are not handed out, though a part of them may be."""
    await store.put(ObjectKey(bucket, "a"), b"data")
    metadata = client.head_object(Bucket=bucket, Key="a")["Metadata"]
    assert metadata["sha256"] == hashlib.sha256(b"data").hexdigest()
    client.put_object(Bucket=bucket, Key="a", Body=b"dada", Metadata=metadata)

    with pytest.raises(BackendUnavailableError, match="SHA-256"):
        await store.read_range(ObjectKey(bucket, "a"), 0, 100)
    with pytest.raises(BackendUnavailableError, match="SHA-256"):
        await anext(aiter(store.stream(ObjectKey(bucket, "a"))))


async def test_a_listing_in_another_order_is_refused(seaweedfs: SeaweedFs) -> None:
    """A service that keeps names as paths lists `a/b` before `a-b`; who did not say so is told."""
    options = options_of(seaweedfs)
    [bucket] = [fresh_name("objects")]
    make_client(options).create_bucket(Bucket=bucket)
    flat = await open_s3_store(replace(options, keys="flat"))
    folders = await open_s3_store(options)
    for name in ("a/b", "a-b"):
        await flat.put(ObjectKey(bucket, name), b"")

    with pytest.raises(SettingsError, match="DICOM_S3_KEYS=folders"):
        [info async for info in flat.scan(bucket)]
    assert [info.key.name async for info in folders.scan(bucket)] == ["a-b", "a/b"]
    await flat.close()
    await folders.close()


async def test_a_certificate_of_unknown_origin_is_refused(seaweedfs: SeaweedFs, tmp_path: Path) -> None:
    """Neither the usual authorities nor another one of our own vouch for it."""
    other = self_made_certificate(tmp_path)
    for bundle in ("", str(other)):
        store = await open_s3_store(replace(options_of(seaweedfs), ca_bundle=bundle))
        with pytest.raises(BackendUnavailableError, match="certificate"):
            await store.head(ObjectKey("images", "a"))
        await store.close()


async def test_a_missing_bundle_of_certificates_is_named(seaweedfs: SeaweedFs) -> None:
    """It is a mistake in the settings, and said to be one."""
    with pytest.raises(SettingsError, match="DICOM_S3_CA_BUNDLE"):
        await open_s3_store(replace(options_of(seaweedfs), ca_bundle="/nowhere.pem"))


async def test_wrong_keys_are_refused_without_being_repeated(seaweedfs: SeaweedFs) -> None:
    """The message leads to the credentials and does not hold them."""
    wrong = "wrong-secret-key"
    store = await open_s3_store(replace(options_of(seaweedfs), secret_access_key=wrong))
    with pytest.raises(BackendUnavailableError, match="credentials") as raised:
        await store.put(ObjectKey("images", "a"), b"data")
    assert wrong not in str(raised.value)
    await store.close()


async def test_a_name_of_many_folders_does_not_stop_a_scan(seaweedfs: SeaweedFs) -> None:
    """The deepest name there can be is listed as any other."""
    name = "x/" * 511 + "y"
    client = make_client(options_of(seaweedfs))
    bucket = fresh_name("objects")
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key=name, Body=b"")
    store = await open_s3_store(options_of(seaweedfs))

    assert [name] == [info.key.name async for info in store.scan(bucket)]
    await store.close()


async def _listed_in_pages(options: S3Options, names: list[str]) -> None:
    client = make_client(options)
    bucket = fresh_name("objects")
    client.create_bucket(Bucket=bucket)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: client.put_object(Bucket=bucket, Key=name, Body=b""), names))
    store = await open_s3_store(options)

    assert names == [info.key.name async for info in store.scan(bucket)]
    after = names[len(names) // 2]
    assert names[len(names) // 2 + 1 :] == [info.key.name async for info in store.scan(bucket, after=after)]
    await store.close()


async def test_a_scan_reads_on_page_by_page(moto: S3Options, seaweedfs: SeaweedFs) -> None:
    """More objects than a page holds come in order, once each, in one folder and in many."""
    names = sorted(
        f"{folder}/{number:04}" if number % 2 else f"{number:04}" for folder in "ab" for number in range(1250)
    )
    names = sorted(set(names))
    await asyncio.gather(*(_listed_in_pages(options, names) for options in (moto, options_of(seaweedfs))))


@pytest.mark.scale
@pytest.mark.timeout(3600)
async def test_a_hundred_thousand_objects_are_listed(seaweedfs: SeaweedFs) -> None:
    """None is missing and none comes twice, from the beginning and from the middle."""
    await _listed_in_pages(
        options_of(seaweedfs), sorted(f"{number % 100:02}/{number:06}" for number in range(100_000))
    )
