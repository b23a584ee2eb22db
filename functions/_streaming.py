"""Answer with bytes as they come, so that no answer is larger than a worker's memory. It knows no media type."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from shared.errors import PayloadTooLargeError


class WhenDone(Protocol):
    """Is told of an answer that is out."""

    def __call__(self, size: int, *, is_whole: bool) -> None:
        """Take note of *size* bytes that were sent, and of whether that was all."""
        ...


async def stream_response(
    chunks: AsyncIterator[bytes],
    *,
    media_type: str,
    length: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer 200 with *chunks*, once the first of them is there: an error before it still gets its own status.

    An error after it can only break the connection, which a client notices by *length*.

    Args:
        chunks: The body; closed when the answer ends, however it ends.
        media_type: Of the body.
        length: Of the body in bytes, where it is known.
        headers: Further headers.
    """
    try:
        first = await anext(chunks)
    except StopAsyncIteration:
        first = b""
    except BaseException:
        await close(chunks)
        raise
    all_headers = dict(headers or {})
    if length is not None:
        all_headers["Content-Length"] = str(length)
    return ClosingResponse(first, chunks, media_type=media_type, headers=all_headers)


async def limited_body(request: Request, limit: int) -> AsyncIterator[bytes]:
    """Yield the request's body as it comes.

    Args:
        request: Whose Content-Length, if it has one, is checked before anything is read.
        limit: Most bytes to take.

    Raises:
        PayloadTooLargeError: The body is, or says it is, longer than *limit*.
    """
    with suppress(ValueError):
        check_length(int(request.headers.get("content-length", "0")), limit)
    taken = 0
    async for chunk in request.stream():
        taken += len(chunk)
        check_length(taken, limit)
        if chunk:
            yield chunk


def check_length(length: int, limit: int) -> None:
    """Refuse a body of *length* bytes that is over *limit*.

    Raises:
        PayloadTooLargeError: It is.
    """
    if length > limit:
        raise PayloadTooLargeError(
            f"the body has more than {limit} bytes; send less at once, and large files to a watched container"
        )


async def close(chunks: AsyncIterator[object]) -> None:
    """Let an iterator that is not read to its end release what it holds."""
    if (aclose := getattr(chunks, "aclose", None)) is not None:
        await aclose()


class ClosingResponse(StreamingResponse):
    """Send *first*, then *rest*, and close *rest* also when the client leaves in between; `when_done` is told of the end."""

    def __init__(
        self, first: bytes, rest: AsyncIterator[bytes], *, media_type: str, headers: Mapping[str, str]
    ) -> None:
        self._rest = rest
        self._sent = 0
        self._is_whole = False
        self.when_done: WhenDone | None = None
        super().__init__(
            self._chain(first, rest), status_code=HTTPStatus.OK, media_type=media_type, headers=headers
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self.when_done is not None:
                self.when_done(self._sent, is_whole=self._is_whole)
            await close(self._rest)

    async def _chain(self, first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        yield first
        self._sent = len(first)
        async for chunk in rest:
            yield chunk
            self._sent += len(chunk)
        self._is_whole = True
