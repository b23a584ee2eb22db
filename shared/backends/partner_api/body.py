"""Hand a file that the event loop reads to a thread that sends it, a chunk at a time. It sends nothing."""

import asyncio
import concurrent.futures
from typing import Final

from shared.errors import AppError, BackendUnavailableError
from shared.ports.partner import SentFile

_READ_SECONDS: Final = 300
"""Longest time that the next chunk of a file may take; the store has timeouts of its own, well below."""


class StreamedBody:
    """What requests sends: an object with a length and `read`. At most one chunk of the file is held.

    Attributes:
        error: why reading failed, if it did.
    """

    def __init__(self, file: SentFile, loop: asyncio.AbstractEventLoop) -> None:
        self._size = file.size
        self._chunks = file.stream()
        self._loop = loop
        self._held = memoryview(b"")
        self._given = 0
        self.error: AppError | None = None

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        """Return up to *size* bytes; none at the end."""
        while not self._held:
            chunk = self._next()
            if chunk is None:
                return self._ended()
            self._held = memoryview(chunk)
        part, self._held = (
            (self._held, memoryview(b"")) if size < 0 else (self._held[:size], self._held[size:])
        )
        self._given += len(part)
        return bytes(part)

    def _ended(self) -> bytes:
        if self._given != self._size:
            # A body that is shorter than its Content-Length would leave both sides waiting.
            self.error = BackendUnavailableError("the file is shorter than it was said to be")
            raise OSError("the file is short")
        return b""

    def _next(self) -> bytes | None:
        future = asyncio.run_coroutine_threadsafe(self._advance(), self._loop)
        try:
            return future.result(_READ_SECONDS)
        except AppError as error:
            self.error = error
        except (TimeoutError, concurrent.futures.CancelledError):
            future.cancel()
            self.error = BackendUnavailableError("the store did not give the file in time")
        raise OSError("the file could not be read")

    async def _advance(self) -> bytes | None:
        async for chunk in self._chunks:
            return chunk
        return None

    async def close(self) -> None:
        """Let go of the file."""
        if (aclose := getattr(self._chunks, "aclose", None)) is not None:
            await aclose()
