"""A lean HTTP/1.1 client to the worker's own server: kept connections, back-pressure both ways, no retries."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

if TYPE_CHECKING:
    from collections.abc import Iterable

_HIGH_WATER = 262_144
# The worker's uvicorn closes a connection that idles for 5 s; one idle for longer than this is not used again,
# so that no request is lost to that race.
_MAX_IDLE_SECONDS = 3.0


class ExchangeError(Exception):
    """An exchange with the worker ended before its answer was complete."""


class WorkerLostError(ExchangeError):
    """The worker closed the connection or sent what is no HTTP."""


class Upstream(asyncio.Protocol):
    """One connection to the worker, for one exchange at a time: `begin`, `write`..., `head`, `read`... until b""."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._wakeup: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._paused_reading = False
        self._paused_writing = False
        self.closed = False
        self.idle_since = 0.0
        self._reset(is_head=False)

    def _reset(self, *, is_head: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._is_head = is_head
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._error: ExchangeError | None = None
        self._status = 0
        self._started = False
        self._keep_alive = False
        self.complete = False
        self.headers: list[tuple[bytes, bytes]] = []

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what the worker sent."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.fail(WorkerLostError(f"the worker's answer is no HTTP: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """End whatever waits on this connection."""
        self.closed = True
        self.resume_writing()
        if not self.complete:
            self.fail(WorkerLostError(f"the worker closed the connection: {exc or 'end of stream'}"))

    def pause_writing(self) -> None:
        """Stop `drain` until the worker has read more."""
        self._paused_writing = True

    def resume_writing(self) -> None:
        """Let `drain` go on."""
        self._paused_writing = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Note status and headers; an interim answer (1xx) is dropped."""
        self._status = self._parser.get_status_code()
        if self._status < 200:
            self.headers = []
            return
        self._started = True
        if self._is_head:
            self._finish()
        self._wake()

    def on_body(self, body: bytes) -> None:
        """Queue a piece of the body and stop reading from the worker when too much is queued."""
        if self.complete:
            return
        self._chunks.append(body)
        self._buffered += len(body)
        if self._buffered > _HIGH_WATER and not self._paused_reading:
            self._paused_reading = True
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        """Note the answer's end."""
        if self._started and not self.complete:
            self._finish()
            self._wake()

    def _finish(self) -> None:
        self.complete = True
        self._keep_alive = bool(self._parser.should_keep_alive())

    # What the proxy calls.

    def begin(self, head: bytes, *, is_head: bool) -> None:
        """Start an exchange by sending a request's head."""
        self._reset(is_head=is_head)
        self._transport.write(head)

    def write(self, data: bytes) -> None:
        """Send a piece of the request's body; what the worker no longer wants is dropped."""
        if not self.closed:
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the worker has read enough of what was written."""
        if self._paused_writing and not self.closed:
            self._writable = asyncio.get_running_loop().create_future()
            await self._writable

    async def head(self) -> int:
        """Wait for the answer's status; its headers are in `headers` then.

        Raises:
            ExchangeError: The exchange ended before.
        """
        while not self._started:
            await self._wait()
        return self._status

    async def read(self) -> bytes:
        """Return the next bytes of the answer's body, b"" at its end.

        Raises:
            ExchangeError: The exchange ended before the body did.
        """
        while not self._chunks:
            if self.complete:
                return b""
            await self._wait()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        if self._paused_reading:
            self._paused_reading = False
            if not self.closed:
                self._transport.resume_reading()
        return data

    def fail(self, error: ExchangeError) -> None:
        """End the exchange with an error, the first one given, and close the connection."""
        if self._error is None:
            self._error = error
        self.abort()
        self._wake()

    def abort(self) -> None:
        """Close the connection; the worker sees its client leave."""
        self.closed = True
        if self._transport is not None:
            self._transport.close()

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another exchange."""
        return self.complete and self._keep_alive and not self.closed and not self._paused_writing

    def _wake(self) -> None:
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)

    async def _wait(self) -> None:
        if self._error is not None:
            raise self._error
        self._wakeup = asyncio.get_running_loop().create_future()
        await self._wakeup
        self._wakeup = None


class UpstreamPool:
    """Connections to the worker's server that wait for their next exchange."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._idle: list[Upstream] = []

    async def acquire(self) -> Upstream:
        """Take a kept connection, else open one.

        Raises:
            WorkerLostError: The worker's server cannot be reached.
        """
        oldest = time.monotonic() - _MAX_IDLE_SECONDS
        while self._idle:
            upstream = self._idle.pop()
            if not upstream.closed and upstream.idle_since > oldest:
                return upstream
            upstream.abort()
        try:
            _, upstream = await asyncio.get_running_loop().create_connection(Upstream, *self._address)
        except OSError as error:
            raise WorkerLostError(f"the worker's server cannot be reached: {error}") from error
        return upstream

    def release(self, upstream: Upstream) -> None:
        """Keep a connection whose exchange and request body are complete."""
        upstream.idle_since = time.monotonic()
        self._idle.append(upstream)

    def close(self) -> None:
        """Close the kept connections."""
        for upstream in self._idle:
            upstream.abort()
        self._idle.clear()


def request_head(method: str, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write a request's first line and headers."""
    lines = [method.encode("ascii"), b" ", target, b" HTTP/1.1\r\n"]
    for name, value in headers:
        lines += (name, b": ", value, b"\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)
