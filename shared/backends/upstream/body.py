"""The body of an answer as it comes. Unlike a generator's, its closing closes also what nobody began to read."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any


class AnswerBody(AsyncGenerator[bytes]):
    """What *read* gives, until that is empty or raises.

    Args:
        read: Returns the next piece, an empty one at the end.
        close: Lets go of what it comes from; called once.
    """

    def __init__(self, read: Callable[[], Awaitable[bytes]], close: Callable[[], None]) -> None:
        self._read = read
        self._close = close
        self._is_open = True

    async def asend(self, value: None) -> bytes:
        """Return the next piece."""
        if self._is_open:
            try:
                if piece := await self._read():
                    return piece
            except BaseException:
                await self.aclose()
                raise
        await self.aclose()
        raise StopAsyncIteration

    async def athrow(self, *error: Any) -> bytes:
        """Close, and raise what was thrown."""
        await self.aclose()
        raise error[0]

    async def aclose(self) -> None:
        """Close; a second time has no effect."""
        if self._is_open:
            self._is_open = False
            self._close()
