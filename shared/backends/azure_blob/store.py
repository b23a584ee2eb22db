"""ObjectStore on Azure Blob Storage. Makes neither containers nor its client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

from azure.core import MatchConditions
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import BlobClient, BlobServiceClient

from shared.backends.azure_blob.answers import (
    content_md5,
    info_of_headers,
    info_of_write,
    infos_of_listing,
    size_of_range,
)
from shared.backends.azure_blob.block_upload import BLOCK_LENGTH, in_blocks, stage_blocks
from shared.backends.azure_blob.errors import refusal, translated
from shared.backends.azure_blob.names import check_container, check_key
from shared.backends.azure_http.answer import Answer
from shared.backends.azure_http.signed_http import SignedHttp
from shared.errors import ObjectChangedError, ObjectExistsError, ObjectNotFoundError
from shared.records import ObjectInfo, ObjectKey, ObjectRange

CHUNK_LENGTH = 2 * 1024 * 1024
"""Bytes that `stream` reads at a time; it holds two such chunks at most, and the client of the service as much again."""
ONE_REQUEST_LENGTH = 8 * 1024 * 1024
"""Most bytes that are put in one request."""
_LISTING_PAGE = 2000
_DICOM = "application/dicom"


class AzureBlobStore:
    """Blobs of one storage account.

    Args:
        service: Its client, made in the running loop with azure_options.blob_options; for listings and blocks.
        http: Its blob service, for what is asked often: a request by the SDK costs five times as much.
    """

    def __init__(self, service: BlobServiceClient, http: SignedHttp) -> None:
        self._service = service
        self._http = http

    def _blob(self, key: ObjectKey) -> BlobClient:
        check_key(key)
        return self._service.get_blob_client(key.container, key.name)

    async def _answer(
        self, method: str, key: ObjectKey, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Send a request about a blob and return what the service answers to it."""
        check_key(key)
        path = f"/{key.container}/{quote(key.name, safe='/~')}"
        with translated(key):
            return await self._http.send(method, path, headers, body=body)

    async def _asked(self, method: str, key: ObjectKey, headers: Mapping[str, str]) -> Answer:
        """Send a request without a body; return the answer if it is no error.

        Raises:
            AppError: It is one.
        """
        answer = await self._answer(method, key, headers)
        if answer.status < 300 or (answer.status == 416 and method == "GET"):
            return answer
        try:
            raise refusal(answer.status, answer.headers, key)
        except ObjectChangedError:
            # The service refuses a condition in the same words when there is no blob at all.
            await self.head(key)
            raise

    async def head(self, key: ObjectKey) -> ObjectInfo:
        """Describe an object, or raise ObjectNotFoundError."""
        return await self._head(key, None)

    async def _head(self, key: ObjectKey, if_match: str | None) -> ObjectInfo:
        answer = await self._asked("HEAD", key, _matching(if_match))
        return info_of_headers(key, answer.headers, int(answer.headers["Content-Length"]))

    async def read_range(
        self, key: ObjectKey, start: int, end: int, *, if_match: str | None = None
    ) -> ObjectRange:
        """Read bytes [start, end) in one request, in two where there are none; see ObjectStore."""
        _check_range(start, end)
        if start == end:
            return ObjectRange(await self._head(key, if_match), b"")
        headers = {"x-ms-range": f"bytes={start}-{end - 1}", **_matching(if_match)}
        answer = await self._asked("GET", key, headers)
        if answer.status == 416:
            return ObjectRange(await self._head(key, if_match), b"")
        size = size_of_range(key, answer, start, end)
        return ObjectRange(info_of_headers(key, answer.headers, size), answer.body)

    async def stream(
        self, key: ObjectKey, start: int = 0, end: int | None = None, *, if_match: str | None = None
    ) -> AsyncIterator[bytes]:
        """Yield bytes [start, end), the next chunk on its way while one is used; see ObjectStore.

        Every chunk is of the content that the first one was: ObjectChangedError if that is replaced meanwhile.
        """
        _check_range(start, end)
        until = start + CHUNK_LENGTH if end is None else min(end, start + CHUNK_LENGTH)
        chunk = await self.read_range(key, start, until, if_match=if_match)
        stop = chunk.info.size if end is None else min(end, chunk.info.size)
        for offset in range(until, stop, CHUNK_LENGTH):
            following = asyncio.create_task(
                self.read_range(key, offset, min(offset + CHUNK_LENGTH, stop), if_match=chunk.info.etag)
            )
            try:
                yield chunk.data
                chunk = await following
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
        if chunk.data:
            yield chunk.data

    async def put(
        self,
        key: ObjectKey,
        data: bytes | AsyncIterator[bytes],
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        content_type: str | None = None,
    ) -> ObjectInfo:
        """Write a whole object; see ObjectStore. ObjectNotFoundError if there is no such container.

        Bytes up to 8 MiB and pieces of under 4 MiB in all are one request, more are blocks of 4 MiB, of which three
        are held at a time. What a second try finds in its way after an answer that was lost is known for its own.
        """
        content_type = content_type or _DICOM
        if isinstance(data, bytes) and len(data) <= ONE_REQUEST_LENGTH:
            return await self._put(key, data, content_type, if_absent=if_absent, if_match=if_match)
        blocks = in_blocks(_once(data) if isinstance(data, bytes) else data)
        begun = [await anext(blocks, b"")]
        if len(begun[0]) < BLOCK_LENGTH:
            return await self._put(key, begun[0], content_type, if_absent=if_absent, if_match=if_match)
        options: dict[str, Any] = {"content_settings": ContentSettings(content_type=content_type)}
        if if_absent:
            options["match_condition"] = MatchConditions.IfMissing
        elif if_match is not None:
            options |= {"match_condition": MatchConditions.IfNotModified, "etag": if_match}
        blob = self._blob(key)
        with translated(key):
            staged, length = await stage_blocks(blob, _chained(begun, blocks))
        try:
            with translated(key, if_absent=if_absent):
                answer = await blob.commit_block_list(staged, **options)
        except (ObjectExistsError, ObjectChangedError):
            with translated(key):
                there, _ = await blob.get_block_list("committed")
            # Their names hold a random number of this writer: its own commit was done, and the answer to it lost.
            if [block.id for block in there] != [block.id for block in staged]:
                raise
            return await self.head(key)
        return info_of_write(key, answer, length)

    async def _put(
        self, key: ObjectKey, data: bytes, content_type: str, *, if_absent: bool, if_match: str | None
    ) -> ObjectInfo:
        headers = {
            "x-ms-blob-type": "BlockBlob",
            "x-ms-blob-content-type": content_type,
            "content-type": "application/octet-stream",
            **_matching(if_match),
        }
        if if_absent:
            headers["if-none-match"] = "*"
        answer = await self._answer("PUT", key, headers, data)
        if answer.status < 300:
            return info_of_headers(key, answer.headers, len(data))
        error = refusal(answer.status, answer.headers, key, if_absent=if_absent)
        if answer.tries > 1 and isinstance(error, (ObjectExistsError, ObjectChangedError)):
            there = await self._asked("HEAD", key, {})
            if there.headers.get("Content-MD5") == content_md5(data):
                return info_of_headers(key, there.headers, len(data))
        raise error

    async def delete(self, key: ObjectKey, *, if_match: str | None = None) -> None:
        """Remove an object and its snapshots; see ObjectStore."""
        try:
            await self._asked("DELETE", key, {"x-ms-delete-snapshots": "include", **_matching(if_match)})
        except ObjectNotFoundError:
            return

    async def scan(self, container: str, *, prefix: str = "", after: str = "") -> AsyncIterator[ObjectInfo]:
        """Yield objects in the order of their names, 2,000 a request; the service begins at *after* itself."""
        check_container(container)
        bodies: list[bytes] = []

        def keep(response: Any) -> None:
            bodies.append(response.http_response.body())

        names = self._service.get_container_client(container).list_blob_names(
            name_starts_with=prefix or None,
            start_from=after or None,
            include=["metadata"],
            results_per_page=_LISTING_PAGE,
            raw_response_hook=keep,
        )
        pages = aiter(names.by_page())
        while True:
            with translated(f"container {container}"):
                if await anext(pages, None) is None:
                    return
            # A page that was retried has been kept more than once.
            for info in infos_of_listing(container, bodies[-1]):
                if info.key.name > after:
                    yield info
            bodies.clear()


def _check_range(start: int, end: int | None) -> None:
    if start < 0 or (end is not None and end < start):
        raise ValueError(
            f"[{start}, {end}) is no byte range; start at 0 or later and end no earlier than that"
        )


def _matching(etag: str | None) -> dict[str, str]:
    return {} if etag is None else {"if-match": etag}


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _chained(begun: list[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    # Taken out of the list, so that nothing holds a block longer than its upload.
    yield begun.pop()
    async for block in rest:
        yield block
