"""shared/backends/azure_blob/block_upload.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from azure.storage.blob.aio import BlobClient
from hypothesis import given
from hypothesis import strategies as st

from shared.backends.azure_blob import block_upload
from shared.backends.azure_blob.block_upload import in_blocks, stage_blocks


@pytest.fixture(autouse=True, scope="module")
def short_blocks() -> Any:
    """Make a block ten bytes, so that short data has many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block_upload, "BLOCK_LENGTH", 10)
        yield


async def _each(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class _Blob:
    """Counts how many blocks are on their way; each takes until *gate* opens."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.in_flight = 0
        self.most = 0
        self.staged: dict[str, bytes] = {}
        self.failing_at: bytes | None = None

    async def stage_block(self, block_id: str, data: bytes, _length: int) -> None:
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            if data == self.failing_at:
                raise ConnectionResetError
            await self.gate.wait()
            self.staged[block_id] = data
        finally:
            self.in_flight -= 1

    def as_client(self) -> BlobClient:
        return cast("BlobClient", self)


@given(st.lists(st.binary(max_size=35), max_size=12))
async def test_pieces_become_blocks_of_one_length(pieces: list[bytes]) -> None:
    """Blocks join to what the pieces were; all are full but the last, which is not empty."""
    blocks = [block async for block in in_blocks(_each(*pieces))]

    assert b"".join(pieces) == b"".join(blocks)
    assert [10] * (len(blocks) - 1) == [len(block) for block in blocks[:-1]]
    assert all(0 < len(block) <= 10 for block in blocks)


async def test_two_blocks_are_in_flight_at_most() -> None:
    """However many blocks there are, no third is taken from their source before one of two has arrived."""
    blob, taken = _Blob(), []

    async def source() -> AsyncIterator[bytes]:
        for number in range(6):
            taken.append(number)
            yield bytes([number])

    upload = asyncio.create_task(stage_blocks(blob.as_client(), source()))
    for _ in range(20):
        await asyncio.sleep(0)
    # The third is in hand, the fourth has not been asked for.
    assert (taken, blob.in_flight) == ([0, 1, 2], 2)
    blob.gate.set()
    staged, length = await upload

    assert ([bytes([number]) for number in range(6)], 6) == (
        [blob.staged[block.id] for block in staged],
        length,
    )
    assert blob.most == 2


async def test_nothing_is_in_flight_after_a_failure() -> None:
    """When the source breaks off, or a block fails, the others are called back and the error is the first one."""

    async def breaking_off() -> AsyncIterator[bytes]:
        yield b"1"
        yield b"2"
        raise EOFError

    blob = _Blob()
    with pytest.raises(EOFError):
        await stage_blocks(blob.as_client(), breaking_off())
    assert blob.in_flight == 0

    blob.failing_at = b"1"
    with pytest.raises(ConnectionResetError):
        await stage_blocks(blob.as_client(), _each(b"1", b"2", b"3", b"4"))
    assert (blob.staged, blob.in_flight) == ({}, 0)


async def test_two_writers_do_not_share_block_ids() -> None:
    """Blocks of writers of one name cannot end up in each other's blob."""
    blob = _Blob()
    blob.gate.set()
    first, _ = await stage_blocks(blob.as_client(), _each(b"1", b"2"))
    second, _ = await stage_blocks(blob.as_client(), _each(b"3", b"4"))

    ids = [block.id for block in first + second]
    assert len(set(ids)) == 4
    assert len({len(block_id) for block_id in ids}) == 1
