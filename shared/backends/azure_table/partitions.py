"""The names of data partitions: a row each. Holds nothing that lies in them."""

from datetime import UTC, datetime

from shared.backends.azure_table.tables import Tables
from shared.records import Partition

_TABLE = "checkpoints"
_ROWS = "partitions"


class AzureTablePartitions:
    """A Partitions. What is known once stays known, for no partition is ever removed."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._known: set[str] = set()

    async def add(self, name: str) -> None:
        """Make a partition known; one that is known stays as it is."""
        if name not in self._known:
            row = {"PartitionKey": _ROWS, "RowKey": name, "created_at": datetime.now(UTC).isoformat()}
            await self._tables.insert(_TABLE, row)
            self._known.add(name)

    async def has(self, name: str) -> bool:
        """Tell whether a partition is known."""
        if name not in self._known and await self._tables.get(_TABLE, _ROWS, name) is not None:
            self._known.add(name)
        return name in self._known

    async def all(self) -> list[Partition]:
        """Return the partitions, the oldest first."""
        rows = await self._tables.rows_of(_TABLE, _ROWS)
        made = [Partition(row["RowKey"], datetime.fromisoformat(row["created_at"])) for row in rows]
        return sorted(made, key=lambda one: (one.created_at, one.name))
