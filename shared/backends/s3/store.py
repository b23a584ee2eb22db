"""ObjectStore on an S3 service: one bucket a container. Makes no buckets."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from shared.backends.s3.answers import SHA256, quoted
from shared.backends.s3.client import S3Options, make_client
from shared.backends.s3.conditions import ConditionalWrites
from shared.backends.s3.errors import translated
from shared.backends.s3.io_threads import IoThreads
from shared.backends.s3.listing import list_flat, list_folders
from shared.backends.s3.multipart import PART_LENGTH, MultipartUpload, in_parts, md5_of
from shared.backends.s3.names import Names, check_multipart
from shared.backends.s3.own_writes import WRITE_ID, etag_of_own_write, new_write_id
from shared.backends.s3.reading import look_at, read_range
from shared.backends.s3.upload_targets import S3UploadTargets
from shared.errors import ConcurrentChangeError, ObjectChangedError, ObjectExistsError, ObjectNotFoundError
from shared.records import ObjectInfo, ObjectKey, ObjectRange

CHUNK_LENGTH = 4 * 1024 * 1024
"""Bytes that `stream` reads at a time; it holds two such chunks at most."""


async def open_s3_store(options: S3Options) -> S3ObjectStore:
    """Make the store and its client, without waiting on the running loop for it.

    Raises:
        SettingsError: The options have no meaning.
    """
    threads = IoThreads(options.connections)
    return S3ObjectStore(await threads.start(make_client, options), threads, options)


class S3ObjectStore:
    """Objects of the buckets that *options* name.

    Args:
        client: Of boto3, by make_client.
        threads: Where the client is called; closed with the store.
        options: The same that the client was made of.
    """

    def __init__(self, client: Any, threads: IoThreads, options: S3Options) -> None:
        self._client = client
        self._threads = threads
        self._names = Names(options.bucket_prefix, options.keys)
        self._content_type = options.content_type
        self._conditional_writes = ConditionalWrites(client)

    def upload_targets(self) -> S3UploadTargets:
        """Return what signs uploads to the same buckets."""
        return S3UploadTargets(self._client, self._names, self._threads)

    async def close(self) -> None:
        """Close the connections; calls under way end by themselves."""
        self._threads.close()
        self._client.close()

    async def head(self, key: ObjectKey) -> ObjectInfo:
        """Describe an object, or raise ObjectNotFoundError."""
        return await self._threads.start(look_at, self._client, key, self._names.place(key))

    async def read_range(
        self, key: ObjectKey, start: int, end: int, *, if_match: str | None = None
    ) -> ObjectRange:
        """Read bytes [start, end) in one request, in two where there are none; see ObjectStore."""
        _check_range(start, end)
        place = self._names.place(key)
        return await self._threads.start(read_range, self._client, key, place, start, end, if_match=if_match)

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
            except ObjectNotFoundError:
                raise ObjectChangedError(
                    f"an object in {key.container} was removed while it was read"
                ) from None
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
        """Write a whole object; see ObjectStore. ObjectNotFoundError if there is no such bucket.

        Under 8 MiB it is one request, above a multipart upload of which three parts are held at a time; then a look at
        what was written, for S3 does not tell when that was. What a second try finds in its way after an answer that
        was lost is known for its own by the metadata `write-id`. With *if_match* it looks first, and the service is
        asked to compare again: one that ignores that may replace what was written in between.

        Raises:
            SettingsError: *if_absent* is set, and the service was seen to ignore it.
            ConcurrentChangeError: Others write or delete the object at this moment.
            ObjectChangedError: They did so right after.
        """
        place = self._names.writable(key)
        condition = {"IfNoneMatch": "*"} if if_absent else {}
        if if_match is not None:
            condition = {"IfMatch": if_match}
            await self._check_unchanged(key, if_match)
        metadata = {WRITE_ID: new_write_id()}
        properties: dict[str, Any] = {"ContentType": content_type or self._content_type, "Metadata": metadata}
        if isinstance(data, bytes):
            metadata[SHA256] = await self._threads.start(_sha256, data)
        parts = in_parts(_once(data) if isinstance(data, bytes) else data)
        begun = [await anext(parts, b"")]
        try:
            if len(begun[0]) < PART_LENGTH:
                etag = await self._threads.start(self._put_one, key, place, begun[0], properties, condition)
            else:
                etag = await self._put_parts(key, place, _chained(begun, parts), properties, condition)
        except ConcurrentChangeError:
            if if_absent and await self._is_there(key):
                raise ObjectExistsError(f"{key} is there already; another writer was faster") from None
            raise
        try:
            return await self._threads.start(look_at, self._client, key, place, if_match=quoted(etag))
        except ObjectNotFoundError:
            raise ObjectChangedError(
                f"an object in {key.container} was removed as soon as it was written"
            ) from None

    def _put_one(
        self,
        key: ObjectKey,
        place: dict[str, str],
        data: bytes,
        properties: dict[str, Any],
        condition: dict[str, str],
    ) -> str:
        if_absent = "IfNoneMatch" in condition
        if if_absent:
            self._conditional_writes.check(place["Bucket"], multipart=False)
        properties["Metadata"].setdefault(SHA256, _sha256(data))
        with translated(key, if_absent=if_absent):
            try:
                answer = self._client.put_object(
                    **place, **properties, **condition, Body=data, ContentMD5=md5_of(data)
                )
            except ClientError as error:
                etag = etag_of_own_write(self._client, place, properties["Metadata"], error)
                if etag is None:
                    raise
                return etag
        return str(answer["ETag"])

    async def _put_parts(
        self,
        key: ObjectKey,
        place: dict[str, str],
        parts: AsyncIterator[bytes],
        properties: dict[str, Any],
        condition: dict[str, str],
    ) -> str:
        check_multipart(key)
        if "IfNoneMatch" in condition:
            await self._threads.start(self._conditional_writes.check, place["Bucket"], multipart=True)
        upload = MultipartUpload(self._client, self._threads, key, place)
        etag, _ = await upload.write(parts, properties, condition)
        return etag

    async def _check_unchanged(self, key: ObjectKey, etag: str) -> None:
        try:
            await self._threads.start(look_at, self._client, key, self._names.place(key), if_match=etag)
        except ObjectNotFoundError:
            raise ObjectChangedError(
                f"an object in {key.container} is no longer there; read it again"
            ) from None

    async def delete(self, key: ObjectKey, *, if_match: str | None = None) -> None:
        """Remove an object; see ObjectStore.

        With an etag it looks first, and the service is asked to compare again: one that ignores that may remove what
        was written in between, as services did before September 2025.
        """
        try:
            await self._threads.start(self._delete, key, self._names.place(key), if_match)
        except ObjectNotFoundError:
            return

    def _delete(self, key: ObjectKey, place: dict[str, str], if_match: str | None) -> None:
        condition = {}
        if if_match is not None:
            look_at(self._client, key, place, if_match=if_match)
            condition["IfMatch"] = if_match
        try:
            with translated(key):
                self._client.delete_object(**place, **condition)
        except ObjectChangedError:
            # Some services refuse a condition in the same words when there is no object at all.
            look_at(self._client, key, place)
            raise

    def scan(self, container: str, *, prefix: str = "", after: str = "") -> AsyncIterator[ObjectInfo]:
        """Yield objects in the order of their names, 1,000 a request, or folder by folder; see ObjectStore."""

        async def list_page(parameters: dict[str, Any]) -> Mapping[str, Any]:
            with translated(f"container {container}"):
                page: Mapping[str, Any] = await self._threads.start(
                    self._client.list_objects_v2, Bucket=self._names.bucket(container), **parameters
                )
            return page

        listing = list_folders if self._names.as_paths else list_flat
        return listing(container, list_page, prefix=prefix, after=after)

    async def _is_there(self, key: ObjectKey) -> bool:
        try:
            await self.head(key)
        except ObjectNotFoundError:
            return False
        return True


def _check_range(start: int, end: int | None) -> None:
    if start < 0 or (end is not None and end < start):
        raise ValueError(
            f"[{start}, {end}) is no byte range; start at 0 or later and end no earlier than that"
        )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _chained(begun: list[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    # Taken out of the list, so that nothing holds a part longer than its upload.
    yield begun.pop()
    async for part in rest:
        yield part
