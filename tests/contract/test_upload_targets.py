"""Addresses for clients to put files to: on Azurite, on SeaweedFS, and as an identity would sign them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from azure.core.credentials_async import AsyncTokenCredential
from azure.storage.blob import UserDelegationKey
from azure.storage.blob.aio import BlobServiceClient

from client.seaweedfs import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from shared.backends.azure_blob.upload_targets import AzureUploadTargets
from shared.backends.s3 import S3Options, open_s3_store
from shared.backends.s3.client import make_client
from shared.errors import NotConfiguredError
from shared.ports.sessions import UploadTarget
from shared.records import ObjectKey
from tests.contract.records import fresh_name
from tests.seaweedfs import running_seaweedfs

SOON = timedelta(minutes=5)


async def put(
    target: UploadTarget, data: bytes = b"x", *, url: str = "", headers: Mapping[str, str] | None = None
) -> int:
    """Put as a client would, and return the status."""
    async with aiohttp.ClientSession() as http:
        sent = dict(target.headers) if headers is None else dict(headers)
        async with http.put(url or target.url, data=data, headers=sent) as answer:
            return answer.status


@pytest.mark.azurite
async def test_azure_lets_a_client_create_one_blob_until_it_expires(azurite: str) -> None:
    """Once; not another name, not later, not overwritten; odd names too."""
    container = fresh_name("targets")
    async with BlobServiceClient.from_connection_string(azurite) as service:
        await service.create_container(container)
        signing = AzureUploadTargets(service)
        key = ObjectKey(container, "s/a b+ü%.dcm")
        [target] = await signing.targets([key], datetime.now(UTC) + SOON)
        assert parse_qs(urlsplit(target.url).query)["sp"] == ["c"]
        assert await put(target) == 201
        assert await put(target, b"y") in (403, 409)
        [other] = await signing.targets([ObjectKey(container, "s/b")], datetime.now(UTC) + SOON)
        assert await put(other, url=other.url.replace("/s/b?", "/s/c?")) == 403
        [late] = await signing.targets(
            [ObjectKey(container, "s/d")], datetime.now(UTC) - timedelta(seconds=5)
        )
        assert await put(late) == 403
        found = [blob.name async for blob in service.get_container_client(container).list_blobs()]
        assert found == [key.name]


class _Identity(AsyncTokenCredential):
    async def get_token(self, *_: object, **__: object) -> object:  # type: ignore[override]
        raise AssertionError("nothing is asked of the network here")

    async def close(self) -> None:
        """Do nothing."""

    async def __aexit__(self, *_: object) -> None:
        """Do nothing."""


async def test_an_identity_signs_by_a_key_that_is_delegated_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Https only, create only, until the stated time; one delegated key serves many requests."""
    asked: list[tuple[datetime, datetime]] = []

    async def delegated(_: object, start: datetime, end: datetime) -> UserDelegationKey:
        asked.append((start, end))
        key = UserDelegationKey()  # type: ignore[no-untyped-call]  # the SDK has no types here
        key.signed_oid, key.signed_tid = (
            "11111111-1111-1111-1111-111111111111",
            "22222222-2222-2222-2222-222222222222",
        )
        key.signed_start, key.signed_expiry = f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}"
        key.signed_service, key.signed_version = "b", "2025-01-05"
        key.value = base64.b64encode(b"a key").decode()
        return key

    monkeypatch.setattr(BlobServiceClient, "get_user_delegation_key", delegated)
    service = BlobServiceClient("https://account.blob.core.windows.net", _Identity())
    signing = AzureUploadTargets(service)
    until = datetime.now(UTC) + timedelta(hours=4)
    for _ in range(2):
        [target] = await signing.targets([ObjectKey("sessions", "s/1.dcm")], until)
    await service.close()
    assert len(asked) == 1
    assert asked[0][1] >= until
    assert target.url.startswith("https://account.blob.core.windows.net/sessions/s/1.dcm?")
    said = parse_qs(urlsplit(target.url).query)
    assert (said["sp"], said["spr"], said["sr"]) == (["c"], ["https"], ["b"])
    assert said["skoid"] == ["11111111-1111-1111-1111-111111111111"]
    assert said["se"] == [f"{until:%Y-%m-%dT%H:%M:%SZ}"]


async def test_who_has_only_a_signed_address_himself_gives_none() -> None:
    """It is said what is missing."""
    service = BlobServiceClient("https://account.blob.core.windows.net?sv=2025&sig=x")
    with pytest.raises(NotConfiguredError):
        await AzureUploadTargets(service).targets([ObjectKey("sessions", "a")], datetime.now(UTC) + SOON)
    await service.close()


@pytest.fixture
def seaweedfs(tmp_path: Path) -> Iterator[S3Options]:
    """Give an S3 service."""
    with running_seaweedfs(tmp_path) as service:
        yield S3Options(
            endpoint=service.endpoint,
            access_key_id=ACCESS_KEY_ID,
            secret_access_key=SECRET_ACCESS_KEY,
            addressing="path",
            keys="folders",
        )


@pytest.mark.azurite
async def test_s3_lets_a_client_put_one_object(seaweedfs: S3Options) -> None:
    """The condition that nothing is there is part of what is signed: without it the address is refused."""
    make_client(seaweedfs).create_bucket(Bucket="targets")
    store = await open_s3_store(seaweedfs)
    key = ObjectKey("targets", "s/a.dcm")
    [target] = await store.upload_targets().targets([key], datetime.now(UTC) + SOON)
    assert target.headers == {"If-None-Match": "*"}
    assert await put(target, headers={}) == 403
    assert await put(target, url=target.url.replace("a.dcm?", "b.dcm?")) == 403
    assert await put(target) == 200
    assert await put(target, b"y") == 412
    assert (await store.read_range(key, 0, 9)).data == b"x"
    await store.close()
