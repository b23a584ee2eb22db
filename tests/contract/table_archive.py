"""Archives on Azurite's tables, each bound as those of a process of its own. Holds no tests itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableServiceClient

from shared.backends.azure_http.account import by_connection_string
from shared.backends.azure_http.signed_http import SignedHttp
from shared.backends.azure_table.archive import TABLES, TableArchive, build_archive
from shared.backends.azure_table.tables import Tables
from shared.backends.memory.object_store import MemoryObjectStore

REPORT = "report"


@asynccontextmanager
async def table_service(connection: str) -> AsyncIterator[SignedHttp]:
    """Open the account's tables, made where they are missing."""
    async with TableServiceClient.from_connection_string(connection) as service:
        for name in (*TABLES, REPORT):
            try:
                await service.create_table(name)
            except ResourceExistsError:
                continue
    async with by_connection_string(connection, "table", 30) as http:
        yield http


async def bound(
    tables: Tables, partition: str, objects: MemoryObjectStore | None = None, *, search_rows: int = 1000
) -> TableArchive:
    """Bind adapters that share nothing in memory with others."""
    return await build_archive(
        tables,
        objects or MemoryObjectStore(["derived"]),
        partition=partition,
        derived_container="derived",
        search_budget_rows=search_rows,
        search_count_rows=search_rows,
    )
