"""A search reads no more rows than its answer takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.backends.azure_table.archive import build_archive
from shared.backends.azure_table.entities import StoredRow
from shared.backends.azure_table.tables import Tables
from shared.backends.memory.object_store import MemoryObjectStore
from shared.dicom.query import Query
from shared.dicom.references import InstanceRef
from tests.contract.records import a_record, fresh_name
from tests.contract.table_archive import table_service

pytestmark = pytest.mark.azurite


class CountingTables(Tables):
    """Tables that count the lookup rows they yield."""

    read = 0

    async def query(self, table: str, *arguments: Any, **options: Any) -> AsyncIterator[StoredRow]:
        """Yield the rows, counted."""
        async for row in super().query(table, *arguments, **options):
            self.read += table == "lookups"
            yield row


async def test_what_is_too_much_to_count_is_not_counted_again(azurite: str) -> None:
    """The first page reads on to know the total, and gives up; later ones read one row past the page."""
    async with table_service(azurite) as http:
        tables = CountingTables(http)
        archive = await build_archive(
            tables,
            MemoryObjectStore(["derived"]),
            partition=fresh_name("reads"),
            derived_container="derived",
            search_budget_rows=100,
            search_count_rows=3,
        )
        for number in range(10):
            ref = InstanceRef(f"1.{number}", f"1.{number}.1", f"1.{number}.1.1")
            await archive.instances.put([a_record(ref)])
        await archive.search.search(Query("study", 10))

        async def search(limit: int, offset: int = 0) -> tuple[int, int | None]:
            tables.read = 0
            page = await archive.search.search(Query("study", limit, offset=offset))
            assert len(page.rows) == limit
            return tables.read, page.total

        assert await search(2) == (2 + 3 + 1, None)
        assert await search(2) == (2 + 1, None)
        assert await search(1, offset=1) == (2 + 1, None)
        # Further on there may be few enough left.
        assert await search(2, offset=6) == (10, 10)
        assert await search(2) == (2 + 1, None)
