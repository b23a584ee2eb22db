"""What an object that is written to S3 on condition comes to when the answer is lost and the request is sent again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from client.seaweedfs import ACCESS_KEY_ID, SECRET_ACCESS_KEY, SeaweedFs
from shared.backends.s3 import S3ObjectStore, S3Options, open_s3_store
from shared.errors import ObjectChangedError, ObjectExistsError
from shared.records import ObjectKey
from tests.contract.records import fresh_name
from tests.losing_proxy import UNAVAILABLE, LosingProxy, losing_proxy
from tests.seaweedfs import running_seaweedfs

pytestmark = pytest.mark.azurite

SMALL, LARGE = b"data", bytes(9 * 1024 * 1024)


@pytest.fixture(scope="module")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFs]:
    """Give an S3 service."""
    folder: Path = tmp_path_factory.mktemp("s3")
    with running_seaweedfs(folder) as running:
        running.client().create_bucket(Bucket="lost")
        yield running


@pytest.fixture
def service(seaweedfs: SeaweedFs) -> Any:
    """Give a client of another writer, whose answers all arrive."""
    return seaweedfs.client()


@pytest.fixture
async def proxy(seaweedfs: SeaweedFs) -> AsyncIterator[LosingProxy]:
    """Give what stands between the store and the service."""
    async with losing_proxy(int(seaweedfs.endpoint.rpartition(":")[2])) as proxy:
        yield proxy


@pytest.fixture
async def store(proxy: LosingProxy) -> AsyncIterator[S3ObjectStore]:
    """Give a store behind it that has tried the condition already."""
    options = S3Options(
        endpoint=f"http://127.0.0.1:{proxy.port}",
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=SECRET_ACCESS_KEY,
        addressing="path",
        keys="folders",
    )
    store = await open_s3_store(options)
    await store.put(ObjectKey("lost", fresh_name("first")), LARGE, if_absent=True)
    yield store
    await store.close()


@pytest.fixture
def key() -> ObjectKey:
    """Name an object that is not there."""
    return ObjectKey("lost", fresh_name("object"))


def written_by(key: ObjectKey, data: bytes) -> str:
    """Return how the request begins that makes the object visible."""
    return f"{'PUT' if data is SMALL else 'POST'} /{key.container}/{key.name}" + (
        "" if data is SMALL else "?uploadId="
    )


@pytest.mark.parametrize("instead", [b"", UNAVAILABLE])
@pytest.mark.parametrize("data", [SMALL, LARGE])
async def test_its_own_object_is_not_taken_for_another(
    store: S3ObjectStore, proxy: LosingProxy, key: ObjectKey, data: bytes, instead: bytes
) -> None:
    """Who was there first is told so, though the second try found the first one's object."""
    proxy.lose_first(written_by(key, data))
    proxy.instead = instead
    info = await store.put(key, data, if_absent=True)

    assert (info, info.size) == (await store.head(key), len(data))
    assert sum(request.startswith(written_by(key, data)) for request in proxy.requests) == 2


async def test_its_own_parts_are_not_taken_for_another(
    store: S3ObjectStore, proxy: LosingProxy, key: ObjectKey
) -> None:
    """An upload without a condition is gone when it is completed a second time, and that is no failure."""
    proxy.lose_first(written_by(key, LARGE))

    assert (await store.put(key, LARGE)).size == len(LARGE)


@pytest.mark.parametrize("data", [SMALL, LARGE])
async def test_its_own_replacement_is_not_taken_for_another(
    store: S3ObjectStore, proxy: LosingProxy, key: ObjectKey, data: bytes
) -> None:
    """The etag that the second try asks for is gone, for the first has replaced it."""
    before = await store.put(key, b"before")
    proxy.lose_first(written_by(key, data))
    info = await store.put(key, data, if_match=before.etag)

    assert (info, info.size) == (await store.head(key), len(data))


@pytest.mark.parametrize("data", [SMALL, LARGE])
async def test_an_object_of_another_is_still_another(
    store: S3ObjectStore, proxy: LosingProxy, service: Any, key: ObjectKey, data: bytes
) -> None:
    """A second try finds it just as well, and the same bytes are not the same write."""
    service.put_object(Bucket=key.container, Key=key.name, Body=data)
    proxy.lose_first(written_by(key, data))

    with pytest.raises(ObjectExistsError):
        await store.put(key, data, if_absent=True)


async def test_what_another_replaced_meanwhile_is_still_anothers(
    store: S3ObjectStore, proxy: LosingProxy, service: Any, key: ObjectKey
) -> None:
    """The etag was this writer's to replace no more when it asked."""
    before = await store.put(key, b"before")
    service.put_object(Bucket=key.container, Key=key.name, Body=b"another's")
    proxy.lose_first(written_by(key, SMALL))

    with pytest.raises(ObjectChangedError):
        await store.put(key, SMALL, if_match=before.etag)
    assert (await store.read_range(key, 0, 100)).data == b"another's"
