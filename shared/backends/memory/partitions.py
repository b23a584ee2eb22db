"""The names of data partitions in a dictionary. Holds nothing that lies in them."""

from datetime import UTC, datetime

from shared.records import Partition


class MemoryPartitions:
    """A Partitions."""

    def __init__(self) -> None:
        self._made: dict[str, Partition] = {}

    async def add(self, name: str) -> None:
        """Make a partition known; one that is known stays as it is."""
        self._made.setdefault(name, Partition(name, datetime.now(UTC)))

    async def has(self, name: str) -> bool:
        """Tell whether a partition is known."""
        return name in self._made

    async def all(self) -> list[Partition]:
        """Return the partitions, the oldest first."""
        return sorted(self._made.values(), key=lambda made: (made.created_at, made.name))
