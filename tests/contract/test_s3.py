"""S3 keeps the contract of an object store: on SeaweedFS, over http and over https, and on moto."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from client.seaweedfs import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from shared.backends.s3 import S3ObjectStore, S3Options, open_s3_store
from shared.backends.s3.client import make_client
from shared.records import ObjectKey
from tests.contract.object_store import ObjectStoreContract
from tests.contract.object_store_fixtures import Backdoor
from tests.contract.records import fresh_name
from tests.seaweedfs import running_seaweedfs

pytestmark = pytest.mark.azurite


class _BucketBackdoor:
    def __init__(self, client: Any) -> None:
        self._client = client

    async def write(self, key: ObjectKey, data: bytes) -> None:
        self._client.put_object(Bucket=key.container, Key=key.name, Body=data)

    async def read(self, key: ObjectKey) -> bytes | None:
        try:
            answer = self._client.get_object(Bucket=key.container, Key=key.name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        data: bytes = answer["Body"].read()
        return data

    async def make_folder(self, key: ObjectKey) -> None:
        await self.write(key, b"")


class S3Contract(ObjectStoreContract):
    """S3ObjectStore on the service of the fixture `options`."""

    folder_marker: ClassVar[str] = "a/"

    @pytest.fixture(scope="class")
    @classmethod
    def options(cls) -> S3Options:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def client(cls, options: S3Options) -> Any:
        return make_client(options)

    @pytest.fixture(scope="class")
    @classmethod
    def bucket(cls, client: Any) -> str:
        name = fresh_name("objects")
        client.create_bucket(Bucket=name)
        return name

    @pytest.fixture
    def container(self, client: Any, bucket: str) -> Iterator[str]:
        yield bucket
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for listed in page.get("Contents", ()):
                client.delete_object(Bucket=bucket, Key=listed["Key"])

    @pytest.fixture
    async def store(self, options: S3Options) -> AsyncIterator[S3ObjectStore]:
        store = await open_s3_store(options)
        yield store
        await store.close()

    @pytest.fixture
    def backdoor(self, client: Any) -> Backdoor:
        return _BucketBackdoor(client)

    async def test_a_put_that_breaks_off_leaves_no_parts(
        self, store: S3ObjectStore, client: Any, key: ObjectKey
    ) -> None:
        """Nor is anything left when the writer is cancelled: an upload that was begun is given up."""

        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield bytes(1024 * 1024)
                await asyncio.sleep(0)

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await store.put(key, endless())

        assert client.list_multipart_uploads(Bucket=key.container).get("Uploads", []) == []


class _OnSeaweedFs(S3Contract):
    # Kept as `a/b` and `a`, and longer than a file name may be.
    impossible_names: ClassVar[frozenset[str]] = frozenset({"a//b", "/a", "x" * 1024})
    https: ClassVar[bool]

    @pytest.fixture(scope="class")
    @classmethod
    def options(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Options]:
        with running_seaweedfs(tmp_path_factory.mktemp("s3"), https=cls.https) as seaweedfs:
            yield S3Options(
                endpoint=seaweedfs.endpoint,
                ca_bundle=str(seaweedfs.certificate or ""),
                access_key_id=ACCESS_KEY_ID,
                secret_access_key=SECRET_ACCESS_KEY,
                addressing="path",
                keys="folders",
            )


class TestSeaweedFs(_OnSeaweedFs):
    """Over http."""

    https = False


class TestSeaweedFsOverHttps(_OnSeaweedFs):
    """Over https, with a certificate of its own: only there newer SDKs send trailing checksums."""

    https = True


class TestMoto(S3Contract):
    """On moto, which keeps objects in memory."""

    @pytest.fixture(scope="class")
    @classmethod
    def options(cls) -> Iterator[S3Options]:
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
