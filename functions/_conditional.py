"""Answer with an ETag, and with 304 to who has the same already."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from functions._streaming import close, stream_response

_MAX_HELD: Final = 4 * 1024 * 1024
"""Longest body, in bytes, that is held to be hashed; a longer one streams and has no ETag."""


async def conditional_response(
    req: Request,
    chunks: AsyncIterator[bytes],
    *,
    media_type: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with *chunks* and further *headers*, or 304 if the ETag of the request is theirs.

    Source: RFC 9110 §8.8.3 and §13.1.2
    """
    held: list[bytes] = []
    length = 0
    async for chunk in chunks:
        held.append(chunk)
        length += len(chunk)
        if length > _MAX_HELD:
            return await stream_response(
                _resumed(b"".join(held), chunks), media_type=media_type, headers=headers
            )
    body = b"".join(held)
    etag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    all_headers = {**(headers or {}), "ETag": etag}
    if etag_matches(req.headers.get("if-none-match", ""), etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=all_headers)
    return Response(body, media_type=media_type, headers=all_headers)


def etag_matches(header: str, etag: str) -> bool:
    """Tell whether an If-None-Match header names *etag*, weak or strong."""
    return header.strip() == "*" or etag in (part.strip().removeprefix("W/") for part in header.split(","))


async def _resumed(held: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        yield held
        async for chunk in chunks:
            yield chunk
    finally:
        await close(chunks)
