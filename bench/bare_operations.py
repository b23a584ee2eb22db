"""What lies beneath: the storage requests that an operation cannot do without, by the same libraries."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from azure.data.tables.aio import TableClient
from azure.storage.blob.aio import ContainerClient

AT_ONCE = 16
"""Blobs written at once, as the archive does."""
OPTIONS = {"use_env_settings": False}
"""The archive's clients do not look for proxies before every request either."""


@dataclass(frozen=True, slots=True)
class BareOperations:
    """Requests to Azurite through the SDKs, with nothing between."""

    container: ContainerClient
    table: TableClient

    def put(self, prefix: str, data: bytes, rows: int) -> Callable[[int], Awaitable[None]]:
        """Return the writing of *rows* blobs and of their table rows in one transaction."""

        async def operation(number: int) -> None:
            turns = asyncio.Semaphore(AT_ONCE)

            async def write(row: int) -> None:
                async with turns:
                    await self.container.upload_blob(f"{prefix}/{number}/{row}", data)

            await asyncio.gather(*map(write, range(rows)))
            entities = [
                {"PartitionKey": f"{prefix}-{number}", "RowKey": str(row), "text": "x" * 2000}
                for row in range(rows)
            ]
            await self.table.submit_transaction([("create", entity) for entity in entities])

        return operation

    def read(self, prefix: str, length: int | None = None) -> Callable[[int], Awaitable[None]]:
        """Return the reading of one blob, or its first *length* bytes, and of its table row."""

        async def operation(number: int) -> None:
            await self.table.get_entity(f"{prefix}-{number % 50}", "0")
            download = await self.container.download_blob(
                f"{prefix}/{number % 50}/0", offset=None if length is None else 0, length=length
            )
            await download.readall()

        return operation

    def query(self, partition_key: str) -> Callable[[int], Awaitable[None]]:
        """Return the reading of all rows of a partition."""

        async def operation(_number: int) -> None:
            rows = self.table.query_entities("PartitionKey eq @key", parameters={"key": partition_key})
            async for _ in rows:
                pass

        return operation
