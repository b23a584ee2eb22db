"""Make URLs of the upstream service in JSON our own, in a stream."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing


async def rewrite_urls(chunks: AsyncGenerator[bytes], theirs: str, ours: str) -> AsyncGenerator[bytes]:
    """Yield JSON in which each text that begins with *theirs* begins with *ours*, in memory that does not grow.

    Only the beginnings of whole texts are looked at: an address that stands within a longer text stays.

    Args:
        chunks: The JSON, in UTF-8, in any pieces.
        theirs: An address without a trailing slash.
        ours: Another.
    """
    address = rb"(?:/|\\/)".join(re.escape(part.encode()) for part in theirs.split("/"))
    text = re.compile(rb'(?<!\\)"' + address + rb'(?=["/?]|\\/)')
    replacement = b'"' + ours.encode()
    longest = 2 * len(theirs) + 4
    """Of what matches, with what follows it."""
    held, known = b"", 0
    """What is not yet sent, behind one byte that is: it tells whether a quote is escaped."""
    async with aclosing(chunks) as pieces:
        async for piece in pieces:
            held += piece
            if len(held) - longest <= known:
                continue
            ready, end = _replaced(held, known, len(held) - longest, text, replacement)
            held, known = held[end - 1 :], 1
            yield ready
    ready, _ = _replaced(held, known, len(held), text, replacement)
    yield ready


def _replaced(
    held: bytes, start: int, end: int, text: re.Pattern[bytes], replacement: bytes
) -> tuple[bytes, int]:
    """Return held[start:end] with matches that begin there replaced, and where the last of them or *end* ends."""
    done: list[bytes] = []
    for match in text.finditer(held, start):
        if match.start() >= end:
            break
        done += [held[start : match.start()], replacement]
        start = match.end()
    end = max(start, end)
    return b"".join([*done, held[start:end]]), end
