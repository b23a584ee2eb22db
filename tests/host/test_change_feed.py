"""Readers of the change feed miss nothing while many write."""

import asyncio
from typing import Any

import pytest

from tests.host.archive import Archive, eventually
from tests.instances import an_instance

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

WRITERS = 8
READERS = 3
PER_WRITER = 40


async def test_no_reader_misses_an_entry(archive: Archive) -> None:
    """Eight clients store; three readers, each from its cursor on, all see every entry once and in order."""
    expected = WRITERS * PER_WRITER
    done = asyncio.Event()

    async def write(writer: int) -> None:
        for instance in range(1, PER_WRITER + 1):
            # Two studies for all writers: they contend for the same summaries.
            body = an_instance(writer % 2, writer + 1, instance)
            headers = {"Content-Type": "application/dicom", "Accept": "application/dicom+json"}
            async with archive.session.post(
                f"{archive.dicomweb}/studies", data=body, headers=headers
            ) as response:
                assert response.status == 200, await response.text()

    async def read() -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        while True:
            finished = done.is_set()
            # From its own cursor on: what appears below it later is missed for good.
            page = await archive.changes(after=len(entries))
            entries += page
            if finished and not page:
                return entries
            await asyncio.sleep(0.05)

    async def published() -> bool:
        return len(await archive.changes()) >= expected

    readers = [asyncio.create_task(read()) for _ in range(READERS)]
    await asyncio.gather(*map(write, range(WRITERS)))
    await eventually(published)
    done.set()
    for entries in await asyncio.gather(*readers):
        assert [entry["Sequence"] for entry in entries] == list(range(1, expected + 1))
        assert len({entry["SopInstanceUid"] for entry in entries}) == expected
