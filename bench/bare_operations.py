"""What lies beneath: the storage requests that an operation cannot do without, through Azure's libraries."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables import TransactionOperation
from azure.data.tables.aio import TableClient, TableServiceClient
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from bench.dicomweb_operations import KEEP_ALIVE
from bench.measure import Operation

_AT_ONCE = 16
"""Blobs written at once."""
_ROW = "x" * 2000
"""About what a row of the index holds."""


@dataclass(frozen=True, slots=True)
class BareOperations:
    """Requests to Azurite with nothing between."""

    container: ContainerClient
    table: TableClient

    def put(self, prefix: str, bodies: Sequence[Sequence[bytes]]) -> Operation:
        """Return the writing of the blobs of one body after the other, with their rows in one transaction."""

        async def operation(number: int) -> None:
            turns = asyncio.Semaphore(_AT_ONCE)

            async def write(row: int, data: bytes) -> None:
                async with turns:
                    await self.container.upload_blob(f"{prefix}/{number}/{row}", data, overwrite=True)

            await asyncio.gather(*(write(row, data) for row, data in enumerate(bodies[number])))
            await self.rows(f"{prefix}-{number}", len(bodies[number]))

        return operation

    async def rows(self, partition_key: str, count: int) -> None:
        """Write up to 100 rows in one transaction."""
        await self.table.submit_transaction(
            [
                (
                    TransactionOperation.UPSERT,
                    {"PartitionKey": partition_key, "RowKey": f"{row:04}", "text": _ROW},
                )
                for row in range(count)
            ]
        )

    async def grow(self, numbers: range) -> None:
        """Write as many rows as instances were stored, so that the table is as large as the archive's."""
        batches = iter(numbers[begin : begin + 100] for begin in range(0, len(numbers), 100))

        async def write() -> None:
            for batch in batches:
                await self.rows(f"grown-{batch.start}", len(batch))

        await asyncio.gather(*(write() for _ in range(4)))

    def read(self, prefix: str, turns: int, length: int | None = None) -> Operation:
        """Return the reading of one of *turns* blobs, or of its first *length* bytes, and of its row."""

        async def operation(number: int) -> None:
            turn = number % turns
            await self.table.get_entity(f"{prefix}-{turn}", "0000")
            download = await self.container.download_blob(
                f"{prefix}/{turn}/0", offset=None if length is None else 0, length=length
            )
            await download.readall()

        return operation

    def ask_least(self) -> Operation:
        """Return the smallest request."""

        async def operation(_number: int) -> None:
            await self.container.get_container_properties()

        return operation

    def query(self, partition_key: str, rows: int | None = None) -> Operation:
        """Return the reading of a partition, or of its first rows."""

        async def operation(_number: int) -> None:
            found = self.table.query_entities(
                "PartitionKey eq @key", parameters={"key": partition_key}, results_per_page=rows
            )
            async for page in found.by_page():
                async for _ in page:
                    pass
                if rows is not None:
                    break

        return operation


@contextlib.asynccontextmanager
async def bare_operations(connection_string: str) -> AsyncIterator[BareOperations]:
    """Open a container and a table of their own."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE)
    async with (
        aiohttp.ClientSession(connector=connector, auto_decompress=False) as session,
        AioHttpTransport(session=session, session_owner=False, use_env_settings=False) as transport,
        BlobServiceClient.from_connection_string(connection_string, transport=transport) as blobs,
        TableServiceClient.from_connection_string(connection_string, transport=transport) as tables,
    ):
        table = await tables.create_table_if_not_exists("bench")
        container = blobs.get_container_client("bench")
        if not await container.exists():
            await container.create_container()
        yield BareOperations(container, table)
