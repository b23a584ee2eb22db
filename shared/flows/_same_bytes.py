"""Compare two streams of bytes without holding either. Knows no store."""

from collections.abc import AsyncIterator


async def same_bytes(one: AsyncIterator[bytes], other: AsyncIterator[bytes]) -> bool:
    """Tell whether both streams yield the same bytes, however they are cut; both are read up to the first difference."""
    left = right = b""
    while True:
        if not left:
            left = await _next_piece(one)
        if not right:
            right = await _next_piece(other)
        length = min(len(left), len(right))
        if length == 0:
            return left == right
        if left[:length] != right[:length]:
            return False
        left, right = left[length:], right[length:]


class Comparison:
    """Compares what passes through with *other*, as it passes."""

    def __init__(self, other: AsyncIterator[bytes]) -> None:
        self.same = False
        """Whether all that has passed, to its end, is what *other* yields."""
        self._other = other
        self._left = b""

    async def passing(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield *chunks* as they are; *other* is read no further than the first difference."""
        alike = True
        async for chunk in chunks:
            alike = alike and await self._begins_with(chunk)
            yield chunk
        self.same = alike and not self._left and not await _next_piece(self._other)

    async def _begins_with(self, chunk: bytes) -> bool:
        """Tell whether *other* goes on with *chunk*, and take that much of it."""
        while chunk:
            self._left = self._left or await _next_piece(self._other)
            length = min(len(chunk), len(self._left))
            if length == 0 or chunk[:length] != self._left[:length]:
                return False
            chunk, self._left = chunk[length:], self._left[length:]
        return True


async def _next_piece(chunks: AsyncIterator[bytes]) -> bytes:
    """Return the next chunk that is not empty, or nothing at the end."""
    async for chunk in chunks:
        if chunk:
            return chunk
    return b""
