"""ObjectStore of the instances that an upstream service holds: each is read by WADO-RS when it is asked for.

A DICOMweb service says neither how long an instance is before it sends it nor whether it has changed, and gives no ranges. So the
etag is a hash of the beginning, up to the pixels as a rule, and of the length; and what is read in pieces is fetched once
and kept in an unnamed temporary file for a while.

Source: PS3.18 2024e §10.4.1.1.1
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from shared.backends.upstream.kept import KeptInstances
from shared.dicom.byte_window import FIRST_READ
from shared.dicom.media_types import parse_media_type
from shared.dicom.multipart import boundary_of, read_parts
from shared.errors import (
    BadUpstreamAnswerError,
    InvalidRequestError,
    ObjectChangedError,
    ObjectNotFoundError,
    ReadOnlyError,
    UpstreamLoginError,
    UpstreamUnavailableError,
)
from shared.ports.upstream import DicomwebUpstream, UpstreamAnswer, UpstreamRequest
from shared.records import ObjectInfo, ObjectKey, ObjectRange
from shared.upstream_keys import upstream_ref

NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When an instance was written is not told; what is upstream serves before what the archive has of the same UIDs."""
_GONE: Final = (404, 410)


@dataclass(frozen=True, slots=True)
class _Opened:
    """An instance that is being sent: what is known of it, its first bytes, and those that follow."""

    info: ObjectInfo
    first: bytes
    rest: AsyncIterator[bytes]


class UpstreamObjects:
    """The instances of one service, named `{study}/{series}/{instance}`; it must be closed."""

    def __init__(self, upstream: DicomwebUpstream, kept: KeptInstances | None = None) -> None:
        self._upstream = upstream
        self._kept = kept or KeptInstances()

    async def close(self) -> None:
        """Let go of what is kept."""
        self._kept.clear()

    async def head(self, key: ObjectKey) -> ObjectInfo:
        """Describe an instance; see ObjectStore."""
        async with self._opened(key, None) as opened:
            return opened.info

    async def read_range(
        self, key: ObjectKey, start: int, end: int, *, if_match: str | None = None
    ) -> ObjectRange:
        """Read bytes; see ObjectStore."""
        if if_match is not None and (kept := self._kept.get(key, if_match)) is not None:
            return ObjectRange(kept.info, await kept.read(start, end))
        async with self._opened(key, if_match) as opened:
            info = opened.info
            if end <= len(opened.first) or len(opened.first) == info.size:
                return ObjectRange(info, opened.first[start:end])
            if info.size <= self._kept.largest:
                new = await self._kept.keep(info, opened.first, opened.rest)
                return ObjectRange(info, await new.read(start, end))
            cut = _cut(opened, start, min(end, info.size))
            return ObjectRange(info, b"".join([piece async for piece in cut]))

    async def stream(
        self, key: ObjectKey, start: int = 0, end: int | None = None, *, if_match: str | None = None
    ) -> AsyncGenerator[bytes]:
        """Yield bytes; see ObjectStore."""
        async with self._opened(key, if_match) as opened:
            end = opened.info.size if end is None else min(end, opened.info.size)
            async for piece in _cut(opened, start, end):
                yield piece

    async def put(
        self,
        key: ObjectKey,
        data: bytes | AsyncIterator[bytes],
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        content_type: str | None = None,
    ) -> ObjectInfo:
        """Refuse: what is stored upstream is forwarded there."""
        raise ReadOnlyError(f"nothing is written to {key.container} as an object; store it by DICOMweb")

    async def delete(self, key: ObjectKey, *, if_match: str | None = None) -> None:
        """Ask the service to delete an instance; see ObjectStore."""
        if if_match is not None and (await self._etag(key)) not in (None, if_match):
            raise ObjectChangedError(f"an instance in {key.container} was replaced")
        answer = await self._upstream.send(UpstreamRequest("DELETE", _path(key)))
        await answer.chunks.aclose()
        if not 200 <= answer.status < 300 and answer.status not in _GONE:
            raise _refused(answer.status)

    async def scan(self, container: str, *, prefix: str = "", after: str = "") -> AsyncIterator[ObjectInfo]:
        """Refuse: it is not listed, its changes are followed."""
        raise ObjectNotFoundError(f"{container} is no container that can be listed")
        yield  # makes it an iterator, as the port has it

    async def _etag(self, key: ObjectKey) -> str | None:
        try:
            return (await self.head(key)).etag
        except ObjectNotFoundError:
            return None

    @asynccontextmanager
    async def _opened(self, key: ObjectKey, if_match: str | None) -> AsyncIterator[_Opened]:
        request = UpstreamRequest("GET", _path(key), headers={"accept": self._upstream.instance_accept})
        answer = await self._upstream.send(request)
        async with aclosing(answer.chunks):
            if answer.status in _GONE:
                raise ObjectNotFoundError("the upstream service has no such instance")
            if answer.status not in (200, 206):
                raise _refused(answer.status)
            length, content = await _content(answer)
            first, rest = await _first(content)
            opened = await self._measured(key, length, first, rest)
            if if_match is not None and opened.info.etag != if_match:
                raise ObjectChangedError("an instance was replaced upstream since it was indexed")
            yield opened

    async def _measured(
        self, key: ObjectKey, length: int | None, first: bytes, rest: AsyncIterator[bytes]
    ) -> _Opened:
        """Return an instance with its length; where that is not told, it is counted, and kept if not too long."""
        if len(first) < FIRST_READ:
            length = len(first)
        if length is not None:
            return _Opened(_info(key, length, first), first, rest)
        kept = await self._kept.count(key, first, rest, _info)
        return _Opened(kept.info, first, kept.rest(len(first)))


async def _content(answer: UpstreamAnswer) -> tuple[int | None, AsyncIterator[bytes]]:
    """Return the length of the first instance in an answer, if it is told, and its bytes."""
    stated = answer.headers.get("content-type", "")
    try:
        if not parse_media_type(stated).is_multipart:
            return _number(answer.headers), answer.chunks
        part = await anext(read_parts(answer.chunks, boundary_of(stated)), None)
    except InvalidRequestError:
        raise BadUpstreamAnswerError(
            "the upstream service sends an instance in no form of DICOMweb"
        ) from None
    if part is None:
        raise ObjectNotFoundError("the upstream service sends no instance")
    return _number(part.headers), _checked(part.chunks())


async def _checked(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks:
            yield chunk
    except InvalidRequestError:
        raise BadUpstreamAnswerError("the upstream service sends an instance that is cut off") from None


def _number(headers: Mapping[str, str]) -> int | None:
    """Return Content-Length, where it is one of the instance as it is."""
    text = "" if "content-encoding" in headers else headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


async def _first(content: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """Return the first 64 KiB, or all there is, and what follows."""
    held = bytearray()
    async for chunk in content:
        held += chunk
        if len(held) >= FIRST_READ:
            break
    return bytes(held[:FIRST_READ]), _joined(bytes(held[FIRST_READ:]), content)


async def _joined(held: bytes, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if held:
        yield held
    async for chunk in content:
        yield chunk


async def _cut(opened: _Opened, start: int, end: int) -> AsyncIterator[bytes]:
    """Yield the bytes [start, end) of what is being sent.

    Raises:
        BadUpstreamAnswerError: It ends before.
    """
    at = 0
    async for chunk in _joined(opened.first, opened.rest):
        piece = chunk[max(start - at, 0) : max(end - at, 0)]
        at += len(chunk)
        if piece:
            yield piece
        if at >= end:
            return
    if at < end:
        raise BadUpstreamAnswerError("the upstream service sends fewer bytes of an instance than it says")


def _info(key: ObjectKey, size: int, first: bytes) -> ObjectInfo:
    etag = hashlib.sha256(size.to_bytes(8) + first).hexdigest()[:32]
    return ObjectInfo(key, size, etag, NO_TIME)


def _path(key: ObjectKey) -> tuple[str, ...]:
    ref = upstream_ref(key)
    if ref is None:
        raise ObjectNotFoundError(f"{key.container} has no object of such a name")
    return (
        "studies",
        ref.study_instance_uid,
        "series",
        ref.series_instance_uid,
        "instances",
        ref.sop_instance_uid,
    )


def _refused(status: int) -> Exception:
    if status in (401, 403):
        return UpstreamLoginError(
            f"the upstream service answers {status}: it refuses the credentials of this app"
        )
    return UpstreamUnavailableError(f"the upstream service answers {status} when it is asked for an instance")
