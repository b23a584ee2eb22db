"""Services to stand in front of, and an archive that does: for tests of the upstream proxy."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from shared.backends.upstream.address import address_of
from shared.backends.upstream.azure_feed import AzureFeedV1, AzureFeedV2
from shared.backends.upstream.http import UpstreamHttp
from shared.backends.upstream.login import login_of
from shared.backends.upstream.orthanc_feed import OrthancFeed
from shared.ports.upstream import FeedPage, UpstreamFeed
from shared.settings.settings import Settings
from tests.host.archive import Archive, an_archive
from tests.instances import uids

ANY_PARTS = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
JSON = {"Accept": "application/dicom+json"}
MULTIPART = 'multipart/related; type="application/dicom"; boundary=edge'
FAST = {"DICOM_UPSTREAM_POLL_SCHEDULE": "*/1 * * * * *"}


@asynccontextmanager
async def in_front(folder: Path, url: str, kind: str, **settings: str) -> AsyncIterator[Archive]:
    """Give an archive in front of the service at *url*."""
    async with an_archive(folder) as archive:
        upstream = {"DICOM_UPSTREAM_URL": url, "DICOM_UPSTREAM_KIND": kind}
        await archive.start("--lease", "4", **(FAST | upstream | settings))
        yield archive


def body_of(*instances: bytes) -> bytes:
    """Return a store request's body."""
    parts = (b"--edge\r\nContent-Type: application/dicom\r\n\r\n" + one + b"\r\n" for one in instances)
    return b"".join(parts) + b"--edge--\r\n"


async def store(archive: Archive, *instances: bytes, path: str = "studies") -> tuple[int, Any, Any]:
    """Store by the archive's own root; return status, answer and headers."""
    headers = {"Content-Type": MULTIPART, **JSON}
    url = f"{archive.dicomweb}/{path}"
    async with archive.session.post(url, data=body_of(*instances), headers=headers) as response:
        text = await response.text()
        return response.status, await response.json(content_type=None) if text else None, response.headers


def instance_url(root: str, study: int, series: int = 1, instance: int = 1) -> str:
    """Name an instance."""
    one, two, three = uids(study, series, instance)
    return f"{root}/studies/{one}/series/{two}/instances/{three}"


async def files_of(session: aiohttp.ClientSession, url: str) -> list[bytes]:
    """Return the files that a retrieval of parts gives."""
    async with session.get(url, headers=ANY_PARTS) as response:
        assert response.status == 200, await response.text()
        reader = aiohttp.MultipartReader.from_response(response)
        files = []
        while (part := await reader.next()) is not None:
            assert isinstance(part, aiohttp.BodyPartReader)
            files.append(bytes(await part.read()))
        return files


def hashed(data: bytes) -> str:
    """Return what tells contents apart."""
    return hashlib.sha256(data).hexdigest()


async def put_straight(archive: Archive, *instances: bytes) -> None:
    """Store in an archive that stands in front of nothing."""
    status, _, _ = await store(archive, *instances)
    assert status == 200


async def is_indexed(archive: Archive, study: int, series: int = 1, instance: int = 1) -> bool:
    """Tell whether the ledger has an instance of the upstream service as indexed."""
    key = "/".join(uids(study, series, instance))
    async with archive.session.get(f"{archive.app.url}/ledger/upstream/{key}") as response:
        return response.status == 200 and (await response.json())["state"] == "indexed"


class FeedOnce:
    """A feed whose connection lives for one page: tests come and go with their loops."""

    def __init__(self, settings: Settings, limit: int) -> None:
        self._settings = settings
        self._limit = limit

    @property
    def name(self) -> str:
        """See UpstreamFeed."""
        return feed_at(self._settings, None, self._limit).name

    async def page(self, cursor: str) -> FeedPage:
        """See UpstreamFeed."""
        http = UpstreamHttp(self._settings, login_of(self._settings))
        try:
            return await feed_at(self._settings, http, self._limit).page(cursor)
        finally:
            await http.close()


def feed_of(url: str, kind: str, limit: int, version: str = "v2") -> UpstreamFeed:
    """Return the feed of the service at *url*."""
    settings = {"upstream_url": url, "upstream_kind": kind, "upstream_version": version}
    return FeedOnce(Settings.model_validate(settings), limit)


def feed_at(settings: Settings, http: Any, limit: int) -> UpstreamFeed:
    """Return a feed on a connection."""
    address = address_of(settings)
    if settings.upstream_kind == "orthanc":
        return OrthancFeed(http, address, limit)
    return (AzureFeedV1 if address.version == "v1" else AzureFeedV2)(http, address, limit)
