"""Reads a multipart body as it arrives, in memory that does not grow with its parts. It does not know what they hold.

Lines end in CRLF, as RFC 2046 asks; a bare LF ends none, because in binary parts it is content. Bytes before the
first delimiter are passed over up to a limit, bytes after the closing one are left unread.

Source: RFC 2046 §5.1.1; PS3.18 2024e §8.6.1.2
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.dicom.media_types import parse_media_type
from shared.errors import InvalidRequestError, MalformedMultipartError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

MAX_PREAMBLE_BYTES = 64 * 1024
MAX_HEADER_BYTES = 16 * 1024
"""Of all headers of one part."""
MAX_HEADERS = 64
_MAX_PADDING = 64
_FOLD = re.compile(rb"\r\n[ \t]+")
_BOUNDARY = re.compile(r"[!-~]([ -~]{0,68}[!-~])?", re.ASCII)


def boundary_of(content_type: str) -> str:
    """Return the boundary that a Content-Type header names.

    Raises:
        MalformedMultipartError: It names none, or one that breaks RFC 2046.
    """
    try:
        boundary = parse_media_type(content_type).parameters.get("boundary", "")
    except InvalidRequestError as error:
        raise MalformedMultipartError(str(error)) from None
    if _BOUNDARY.fullmatch(boundary) is None:
        raise MalformedMultipartError(
            "Content-Type needs a boundary parameter of 1 to 70 printable characters"
        )
    return boundary


class _Body:
    """The bytes received and not yet handed on: buffer[start:], so that small parts cost no copies of the rest."""

    def __init__(self, chunks: AsyncIterator[bytes], boundary: bytes) -> None:
        self.closed = False
        self.current: Part | None = None
        self._chunks = chunks
        self._delimiter = b"\r\n--" + boundary
        # A delimiter begins with the end of a line, which the first one need not have before it.
        self._buffer = b"\r\n"
        self._start = 0
        self._in_content = True

    async def skip_preamble(self) -> None:
        """Pass over what comes before the first delimiter."""
        skipped = 0
        while (piece := await self.next_piece()) is not None:
            skipped += len(piece)
            if skipped > MAX_PREAMBLE_BYTES:
                raise MalformedMultipartError(
                    f"the boundary of Content-Type is not found in the first {MAX_PREAMBLE_BYTES} bytes of the body"
                )

    async def next_piece(self) -> bytes | None:
        """Return more of the content, or None once the delimiter that ends it has been passed."""
        while self._in_content:
            found = self._buffer.find(self._delimiter, self._start)
            if found < 0:
                ready = self._first_that_may_begin_a_delimiter()
                if ready > self._start:
                    return self._take(ready)
                await self._receive()
                continue
            before = found - self._start
            length = await self._delimiter_length(before)
            found = self._start + before  # receiving moves positions
            if length is None:
                return self._take(found + len(self._delimiter))
            if found > self._start:
                return self._take(found)
            self._start += length
            self.closed = self._buffer.startswith(b"--", self._start)
            self._in_content = False
        return None

    async def read_headers(self) -> dict[str, str]:
        """Return the headers of the part that begins here, and stop before the empty line that ends them."""
        while (end := self._buffer.find(b"\r\n\r\n", self._start)) < 0:
            if len(self._buffer) - self._start > MAX_HEADER_BYTES + 4:
                break
            await self._receive()
        if not 0 <= end - self._start <= MAX_HEADER_BYTES:
            raise MalformedMultipartError(f"the headers of a part are longer than {MAX_HEADER_BYTES} bytes")
        block = self._buffer[self._start + 2 : end]
        self._start = end + 2
        return _parse_headers(block)

    async def is_at_delimiter(self) -> bool:
        """Tell whether the part has no content, nor the empty line before it."""
        while (missing := len(self._delimiter) - len(self._buffer) + self._start) > 0:
            if not self._delimiter.startswith(self._buffer[self._start :]):
                break
            await self._receive()
        if missing > 0 or not self._buffer.startswith(self._delimiter, self._start):
            return False
        return await self._delimiter_length(0) is not None

    def begin_content(self, *, after_empty_line: bool) -> None:
        """Let next_piece read the content of a part."""
        self._start += 2 if after_empty_line else 0
        self._in_content = True

    async def _delimiter_length(self, before: int) -> int | None:
        """Return the length of a delimiter with its padding, or None if its line goes on and so is content.

        *before* is how many bytes not yet handed on lie before it.
        """
        after = before + len(self._delimiter)
        while True:
            begin = self._start + after
            line = self._buffer[begin : begin + _MAX_PADDING + 2]
            rest = line.lstrip(b" \t")
            padding = len(line) - len(rest)
            if rest.startswith(b"\r\n"):
                return len(self._delimiter) + padding
            if line.startswith(b"--"):
                return len(self._delimiter)
            undecided = rest in (b"", b"\r") or line == b"-"
            if not undecided or len(line) > _MAX_PADDING:
                return None
            await self._receive()

    def _first_that_may_begin_a_delimiter(self) -> int:
        tail = max(self._start, len(self._buffer) - len(self._delimiter) + 1)
        found = self._buffer.find(b"\r", tail)
        return len(self._buffer) if found < 0 else found

    def _take(self, end: int) -> bytes:
        piece = self._buffer[self._start : end]
        self._start = end
        return piece

    async def _receive(self) -> None:
        try:
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            raise MalformedMultipartError("the body ends before its closing delimiter") from None
        rest = self._buffer[self._start :]
        self._buffer = rest + chunk if rest else chunk
        self._start = 0


class Part:
    """One part: *headers* by lower-case name, the first of each name; and its content, to be read once.

    A part can be read until the next one is asked for.
    """

    def __init__(self, headers: Mapping[str, str], body: _Body) -> None:
        self.headers = headers
        self._body = body

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the content in pieces about as large as the chunks that arrive.

        Raises:
            MalformedMultipartError: The body ends within this part.
            RuntimeError: The next part was asked for already.
        """
        if self._body.current is not self:
            raise RuntimeError("a part can be read only until the next one is asked for")
        while (piece := await self._body.next_piece()) is not None:
            yield piece


async def read_parts(chunks: AsyncIterator[bytes], boundary: str) -> AsyncIterator[Part]:
    """Yield the parts of a multipart body one after the other.

    What is left of a part when the next is asked for is read over. Beside the chunk last received, at most one
    delimiter or the headers of one part are held in memory.

    Raises:
        MalformedMultipartError: The body is not delimited by *boundary*, ends early, or has headers that are
            malformed or over a limit.
    """
    body = _Body(chunks, boundary.encode("ascii"))
    await body.skip_preamble()
    while not body.closed:
        headers = await body.read_headers()
        at_delimiter = await body.is_at_delimiter()
        body.begin_content(after_empty_line=not at_delimiter)
        # Two delimiters with nothing between are no part: so does .NET write a body of no parts.
        if headers or not at_delimiter:
            body.current = Part(headers, body)
            yield body.current
            body.current = None
        while await body.next_piece() is not None:
            pass


def _parse_headers(block: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    unfolded = _FOLD.sub(b" ", block).decode("utf-8", "replace")
    lines = unfolded.split("\r\n") if unfolded else []
    if len(lines) > MAX_HEADERS:
        raise MalformedMultipartError(f"a part has more than {MAX_HEADERS} headers")
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise MalformedMultipartError("a header of a part is no 'name: value'")
        headers.setdefault(name.strip().lower(), value.strip())
    return headers
