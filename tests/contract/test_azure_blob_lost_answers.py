"""What a blob that is written on condition comes to when the answer is lost and the request is sent again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from azure.storage.blob.aio import BlobClient, BlobServiceClient

from shared.backends.azure_blob import AzureBlobStore
from shared.backends.azure_http import signed_http
from shared.backends.azure_http.account import by_connection_string
from shared.backends.azure_http.answer import Answer
from shared.backends.azure_http.signed_http import SignedHttp
from shared.backends.azure_options import blob_options
from shared.errors import BackendUnavailableError, ObjectExistsError
from shared.records import ObjectKey
from tests.contract.records import fresh_name

pytestmark = pytest.mark.azurite

LARGE = bytes(9 * 1024 * 1024)


@pytest.fixture
async def key(azurite: str) -> ObjectKey:
    """Name an object that is not there, in a container that is."""
    container = fresh_name("lost")
    async with BlobServiceClient.from_connection_string(azurite) as service:
        await service.create_container(container)
    return ObjectKey(container, "a b%+&é.")


@pytest.fixture
async def store(azurite: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AzureBlobStore]:
    """Open a store."""
    monkeypatch.setattr(signed_http, "_WAITS", (0.0, 0.0, 0.0))
    async with (
        BlobServiceClient.from_connection_string(azurite, **blob_options(30)) as service,
        by_connection_string(azurite, "blob", 30) as http,
    ):
        yield AzureBlobStore(service, http)


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lose the answer to the first request; return the methods of all that were sent."""
    methods: list[str] = []
    send = SignedHttp._send

    async def losing(self: SignedHttp, method: str, *args: Any) -> Answer:
        methods.append(method)
        answer = await send(self, method, *args)
        if len(methods) == 1:
            raise aiohttp.ServerDisconnectedError
        return answer

    monkeypatch.setattr(SignedHttp, "_send", losing)
    return methods


async def test_its_own_object_is_not_taken_for_another(
    store: AzureBlobStore, key: ObjectKey, lost: list[str]
) -> None:
    """Who was there first is told so, though the second try found the first one's object."""
    info = await store.put(key, b"one", if_absent=True)

    assert lost == ["PUT", "PUT", "HEAD"]
    assert info == await store.head(key)


async def test_an_object_of_another_is_still_another(
    store: AzureBlobStore, key: ObjectKey, lost: list[str]
) -> None:
    """A second try finds it just as well."""
    lost.append("none is lost")
    await store.put(key, b"two")
    lost.clear()

    with pytest.raises(ObjectExistsError):
        await store.put(key, b"one", if_absent=True)
    assert (await store.read_range(key, 0, 9)).data == b"two"


async def test_the_same_bytes_of_another_are_another(store: AzureBlobStore, key: ObjectKey) -> None:
    """Without a lost answer there is no doubt."""
    for data in (b"one", LARGE):
        await store.put(key, data)
        with pytest.raises(ObjectExistsError):
            await store.put(key, data, if_absent=True)


async def test_its_own_blocks_are_not_taken_for_another(
    store: AzureBlobStore, key: ObjectKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same of a large object, whose last request is the commit of its blocks."""
    commit = BlobClient.commit_block_list

    async def twice(self: BlobClient, *args: Any, **options: Any) -> Any:
        await commit(self, *args, **options)
        return await commit(self, *args, **options)

    monkeypatch.setattr(BlobClient, "commit_block_list", twice)
    info = await store.put(key, LARGE, if_absent=True)

    assert (info, info.size) == (await store.head(key), len(LARGE))


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ("bytes 0-2/9", b"on"),
        ("bytes 1-3/9", b"one"),
        ("bytes 0-1/9", b"on"),
        ("", b"one and all"),
        ("x", b"one"),
    ],
)
async def test_other_bytes_than_asked_for_are_an_error(
    store: AzureBlobStore, key: ObjectKey, monkeypatch: pytest.MonkeyPatch, said: str, body: bytes
) -> None:
    """What lies between the app and its account may not know ranges; nothing short or shifted is taken for the object."""

    async def send(*_: Any) -> Answer:
        headers = {"Content-Range": said, "ETag": '"1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        return Answer(206, headers, body)

    monkeypatch.setattr(SignedHttp, "_send", send)

    with pytest.raises(BackendUnavailableError):
        await store.read_range(key, 0, 3)
