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


async def _next_piece(chunks: AsyncIterator[bytes]) -> bytes:
    """Return the next chunk that is not empty, or nothing at the end."""
    async for chunk in chunks:
        if chunk:
            return chunk
    return b""
