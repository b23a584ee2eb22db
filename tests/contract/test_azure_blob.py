"""Azure Blob Storage keeps the contract of an object store."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import BlobServiceClient

from shared.backends.azure_blob import AzureBlobStore
from shared.backends.azure_blob import store as store_module
from shared.backends.azure_blob.answers import infos_of_listing
from shared.backends.azure_http import account
from shared.backends.azure_http.account import by_connection_string
from shared.backends.azure_http.answer import Answer
from shared.backends.azure_http.signed_http import SignedHttp
from shared.backends.azure_options import blob_options
from shared.records import ObjectInfo, ObjectKey
from tests.contract.object_store import ObjectStoreContract
from tests.contract.object_store_fixtures import MIB, Backdoor
from tests.contract.records import fresh_name

pytestmark = pytest.mark.azurite


class _BlobBackdoor:
    def __init__(self, service: BlobServiceClient) -> None:
        self._service = service

    async def write(self, key: ObjectKey, data: bytes) -> None:
        await self._service.get_blob_client(key.container, key.name).upload_blob(data, overwrite=True)

    async def read(self, key: ObjectKey) -> bytes | None:
        try:
            download = await self._service.get_blob_client(key.container, key.name).download_blob()
        except ResourceNotFoundError:
            return None
        return await download.readall()

    async def make_folder(self, key: ObjectKey) -> None:
        blob = self._service.get_blob_client(key.container, key.name)
        await blob.upload_blob(b"", metadata={"hdi_isfolder": "true"})


class TestAzureBlobStore(ObjectStoreContract):
    """AzureBlobStore on Azurite."""

    @pytest.fixture
    async def service(self, azurite: str) -> AsyncIterator[BlobServiceClient]:
        async with BlobServiceClient.from_connection_string(azurite, **blob_options(30)) as service:
            yield service

    @pytest.fixture
    async def container(self, service: BlobServiceClient) -> str:
        name = fresh_name("blobs")
        await service.create_container(name)
        return name

    @pytest.fixture
    async def http(self, azurite: str) -> AsyncIterator[SignedHttp]:
        async with by_connection_string(azurite, "blob", 30) as http:
            yield http

    @pytest.fixture
    def store(self, service: BlobServiceClient, http: SignedHttp) -> AzureBlobStore:
        return AzureBlobStore(service, http)

    @pytest.fixture
    def backdoor(self, service: BlobServiceClient) -> Backdoor:
        return _BlobBackdoor(service)

    async def test_compressed_objects_are_read_as_they_lie(
        self, store: AzureBlobStore, service: BlobServiceClient, container: str
    ) -> None:
        """Ranges count bytes as stored, whatever content encoding the uploader declared."""
        data = gzip.compress(b"0123456789" * 100)
        blob = service.get_blob_client(container, "a.gz")
        await blob.upload_blob(data, content_settings=ContentSettings(content_encoding="gzip"))

        assert data[3:20] == (await store.read_range(ObjectKey(container, "a.gz"), 3, 20)).data
        assert data == b"".join([piece async for piece in store.stream(ObjectKey(container, "a.gz"))])

    async def test_requests_are_as_few_as_can_be(
        self, azurite: str, container: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A range of any length and an object of 8 MiB are one request; a large object is one a block, and one."""
        methods: list[str] = []
        key = ObjectKey(container, "a")

        async def counted(call: Awaitable[object]) -> list[str]:
            methods.clear()
            await call
            return list(methods)

        class Counting(SignedHttp):
            async def send(
                self, method: str, path: str, headers: Mapping[str, str], **options: Any
            ) -> Answer:
                methods.append(method)
                return await super().send(method, path, headers, **options)

        monkeypatch.setattr(account, "SignedHttp", Counting)
        options = {
            **blob_options(30),
            "raw_response_hook": lambda answer: methods.append(answer.http_request.method),
        }
        async with (
            BlobServiceClient.from_connection_string(azurite, **options) as service,
            by_connection_string(azurite, "blob", 30) as counting,
        ):
            store = AzureBlobStore(service, counting)
            assert await counted(store.put(key, bytes(8 * MIB), if_absent=True)) == ["PUT"]
            assert await counted(store.put(key, bytes(36 * MIB))) == ["PUT"] * 10
            assert await counted(store.read_range(key, 5, 10)) == ["GET"]
            assert await counted(store.read_range(key, 0, 36 * MIB)) == ["GET"]
            assert await counted(store.head(key)) == ["HEAD"]
            assert await counted(store.delete(key)) == ["DELETE"]

    async def test_a_scan_reads_on_page_by_page(
        self,
        store: AzureBlobStore,
        service: BlobServiceClient,
        container: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """More objects than a page holds come in order, once each; from the middle no page before it is read."""
        pages: list[int] = []

        def counted(in_container: str, body: bytes) -> Iterator[ObjectInfo]:
            pages.append(len(body))
            return infos_of_listing(in_container, body)

        monkeypatch.setattr(store_module, "_LISTING_PAGE", 7)
        monkeypatch.setattr(store_module, "infos_of_listing", counted)
        names = [f"n{number:03d}" for number in range(40)]
        await asyncio.gather(*(service.get_blob_client(container, name).upload_blob(b"") for name in names))

        assert names == [info.key.name async for info in store.scan(container)]
        assert names[21:] == [info.key.name async for info in store.scan(container, prefix="n", after="n020")]
        assert len(pages) == 6 + 3
