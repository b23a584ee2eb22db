"""Write an object of unknown length in parts, a few at a time; nobody sees it before the last is there."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any, Final

from botocore.exceptions import ClientError

from shared.backends.s3.errors import translated
from shared.backends.s3.io_threads import IoThreads
from shared.backends.s3.own_writes import etag_of_own_write
from shared.errors import AppError, PayloadTooLargeError
from shared.records import ObjectKey

PART_LENGTH: Final = 8 * 1024 * 1024
"""Bytes of a part, the last may be shorter. S3 takes 10,000 of them of 5 MiB or more, so an object may have 78 GiB."""
MAX_PARTS: Final = 10_000
_PARTS_IN_FLIGHT: Final = 2


async def in_parts(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the bytes of *pieces* in parts of PART_LENGTH, the last one shorter; each byte is copied once."""
    buffer = BytesIO()
    async for piece in pieces:
        rest = memoryview(piece)
        while rest:
            rest = rest[buffer.write(rest[: PART_LENGTH - buffer.tell()]) :]
            if buffer.tell() == PART_LENGTH:
                yield buffer.getvalue()
                buffer = BytesIO()
    if buffer.tell():
        yield buffer.getvalue()


def md5_of(data: bytes) -> str:
    """Return the Content-MD5 of *data*, by which the service finds damage on the way (RFC 1864)."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode("ascii")


class MultipartUpload:
    """One upload of an object, not begun yet.

    Args:
        client: Of boto3.
        threads: Where it is called.
        key: Of the object, for messages.
        place: Bucket and key, as parameters.
    """

    def __init__(self, client: Any, threads: IoThreads, key: ObjectKey, place: dict[str, str]) -> None:
        self._client = client
        self._threads = threads
        self._key = key
        self._place = place

    async def write(
        self, parts: AsyncIterator[bytes], properties: dict[str, Any], condition: dict[str, str]
    ) -> tuple[str, int]:
        """Upload *parts* and make them the object; return its etag and its length in bytes.

        After any failure, that of *parts* too, nothing is in flight and the service is told to forget what it has.
        If that fails as well, or the process dies, the parts stay, unseen, until the bucket's lifecycle removes them.

        Args:
            parts: As in_parts yields them, one at least.
            properties: Of the object, as CreateMultipartUpload names them; a write id among its metadata.
            condition: IfNoneMatch or IfMatch, which the completion asks for.
        """
        with translated(self._key):
            begun = await self._threads.start(
                self._client.create_multipart_upload, **self._place, **properties
            )
        place = {**self._place, "UploadId": begun["UploadId"]}
        is_complete = False
        try:
            uploaded, length = await self._upload(place, parts)
            request = {**place, **condition, "MultipartUpload": {"Parts": uploaded}}
            with translated(self._key, if_absent="IfNoneMatch" in condition):
                etag = await self._threads.start(self._complete, request, properties["Metadata"])
            is_complete = True
        finally:
            if not is_complete:
                with contextlib.suppress(AppError), translated(self._key):
                    await self._threads.start(self._client.abort_multipart_upload, **place)
        return etag, length

    def _complete(self, request: dict[str, Any], metadata: dict[str, str]) -> str:
        try:
            answer = self._client.complete_multipart_upload(**request)
        except ClientError as error:
            etag = etag_of_own_write(self._client, self._place, metadata, error)
            if etag is None:
                raise
            return etag
        return str(answer["ETag"])

    async def _upload(
        self, place: dict[str, str], parts: AsyncIterator[bytes]
    ) -> tuple[list[dict[str, Any]], int]:
        uploaded: list[dict[str, Any]] = []
        length = 0
        in_flight: list[asyncio.Future[dict[str, Any]]] = []
        try:
            async for part in parts:
                if len(in_flight) == _PARTS_IN_FLIGHT:
                    uploaded.append(await in_flight.pop(0))
                number = len(uploaded) + len(in_flight) + 1
                if number > MAX_PARTS:
                    raise PayloadTooLargeError(
                        f"an object of over {MAX_PARTS * PART_LENGTH} bytes cannot be stored"
                    )
                length += len(part)
                in_flight.append(self._threads.start(self._upload_part, place, number, part))
            while in_flight:
                uploaded.append(await in_flight.pop(0))
        finally:
            # Parts that arrive after the upload was given up would stay.
            await asyncio.gather(*in_flight, return_exceptions=True)
        return uploaded, length

    def _upload_part(self, place: dict[str, str], number: int, data: bytes) -> dict[str, Any]:
        with translated(self._key):
            answer = self._client.upload_part(**place, PartNumber=number, Body=data, ContentMD5=md5_of(data))
        return {"PartNumber": number, "ETag": answer["ETag"]}
