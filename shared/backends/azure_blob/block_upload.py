"""Write a blob of unknown length in blocks, a few at a time. Knows nothing of conditions and errors."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from io import BytesIO

from azure.storage.blob import BlobBlock
from azure.storage.blob.aio import BlobClient

BLOCK_LENGTH = 4 * 1024 * 1024
"""Bytes of a block; Azure takes 50,000 of them, so a blob may have 195 GiB."""
_BLOCKS_IN_FLIGHT = 2


async def in_blocks(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the bytes of *pieces* in blocks of BLOCK_LENGTH, the last one shorter; each byte is copied once."""
    buffer = BytesIO()
    async for piece in pieces:
        rest = memoryview(piece)
        while rest:
            rest = rest[buffer.write(rest[: BLOCK_LENGTH - buffer.tell()]) :]
            if buffer.tell() == BLOCK_LENGTH:
                yield buffer.getvalue()
                buffer = BytesIO()
    if buffer.tell():
        yield buffer.getvalue()


async def stage_blocks(blob: BlobClient, blocks: AsyncIterator[bytes]) -> tuple[list[BlobBlock], int]:
    """Upload *blocks* without making them part of the blob; return them in their order, and their bytes in all.

    After a failure nothing is in flight any more; Azure drops blocks that nobody commits after a week.
    """
    # Writers of one name share a space of block ids.
    writer = secrets.token_hex(8)
    staged: list[BlobBlock] = []
    length = 0
    in_flight: list[asyncio.Future[object]] = []
    try:
        async for block in blocks:
            if len(in_flight) == _BLOCKS_IN_FLIGHT:
                await in_flight.pop(0)
            staged.append(BlobBlock(f"{writer}-{len(staged):06d}"))
            length += len(block)
            in_flight.append(asyncio.ensure_future(blob.stage_block(staged[-1].id, block, len(block))))
        while in_flight:
            await in_flight.pop(0)
    finally:
        for task in in_flight:
            task.cancel()
        await asyncio.gather(*in_flight, return_exceptions=True)
    return staged, length
