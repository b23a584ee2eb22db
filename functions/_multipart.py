"""Send several contents as one multipart body. It knows not what they are."""

from collections.abc import AsyncIterator, Iterable
from typing import Final

from functions._streaming import close
from shared.dicom.multipart_writer import PART_END, closing

_WORTH_SENDING: Final = 64 * 1024
"""Bytes from which a piece goes out by itself; smaller ones are gathered, as each costs as much as a large one."""


async def multipart_body(
    parts: AsyncIterator[tuple[bytes, AsyncIterator[bytes]]], boundary: str
) -> AsyncIterator[bytes]:
    """Yield the body of *parts*: for each its head, of `part_head`, and its content, read before the next is asked for."""
    held: list[bytes] = []
    held_length = 0
    try:
        async for head, content in parts:
            held.append(head)
            async for chunk in content:
                held.append(chunk)
                held_length += len(chunk)
                if held_length >= _WORTH_SENDING:
                    yield b"".join(held)
                    held, held_length = [], 0
            held.append(PART_END)
        yield b"".join([*held, closing(boundary)])
    finally:
        await close(parts)


def multipart_length(heads: Iterable[bytes], lengths: Iterable[int], boundary: str) -> int:
    """Return the length in bytes of a body whose parts have these heads and contents of these lengths."""
    parts = sum(len(head) + length + len(PART_END) for head, length in zip(heads, lengths, strict=True))
    return parts + len(closing(boundary))
