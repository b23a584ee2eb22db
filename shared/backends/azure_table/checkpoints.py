"""Checkpoints on the table of the same name: one row each. Knows not what they mean."""

from shared.backends.azure_table import keys
from shared.backends.azure_table.entities import etag_of
from shared.backends.azure_table.tables import Tables
from shared.backends.azure_table.transactions import Change
from shared.errors import ConcurrentChangeError
from shared.records import Checkpoint

_TABLE = "checkpoints"


class AzureTableCheckpoints:
    """The checkpoints of one data partition."""

    def __init__(self, tables: Tables, partition: str) -> None:
        self._tables = tables
        self._key = keys.checked(f"work!{keys.partition_name(partition)}")

    async def get(self, name: str) -> Checkpoint | None:
        """Return the checkpoint of this name, if there is one."""
        row = await self._tables.get(_TABLE, self._key, name)
        return None if row is None else Checkpoint(row["value"], etag_of(row))

    async def put(self, name: str, value: str, *, seen: Checkpoint | None) -> Checkpoint:
        """Write a checkpoint if there still is the one *seen*; see Checkpoints.put."""
        row = {"PartitionKey": self._key, "RowKey": name, "value": value}
        change = Change("insert", row) if seen is None else Change("update", row, seen.revision)
        revision = await self._tables.transact_for_etag(_TABLE, [change])
        if revision is None:
            raise ConcurrentChangeError(f"another request goes on with {name} at this moment; wait for it")
        return Checkpoint(value, revision)

    async def remove(self, name: str) -> None:
        """Forget a checkpoint; that it is absent is no error."""
        await self._tables.delete(_TABLE, self._key, name)
