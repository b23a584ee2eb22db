"""Checkpoints in a dictionary. Knows not what they mean."""

from __future__ import annotations

from shared.errors import ConcurrentChangeError
from shared.records import Checkpoint


class MemoryCheckpoints:
    """A Checkpoints in *rows*, by name."""

    def __init__(self) -> None:
        self.rows: dict[str, Checkpoint] = {}
        self._revision = 0

    async def get(self, name: str) -> Checkpoint | None:
        """Return the checkpoint of this name, if there is one."""
        return self.rows.get(name)

    async def put(self, name: str, value: str, *, seen: Checkpoint | None) -> Checkpoint:
        """Write a checkpoint if there still is the one *seen*; see Checkpoints.put."""
        found = self.rows.get(name)
        if (found and found.revision) != (seen and seen.revision):
            raise ConcurrentChangeError(f"another request goes on with {name} at this moment; wait for it")
        self._revision += 1
        self.rows[name] = Checkpoint(value, str(self._revision))
        return self.rows[name]

    async def remove(self, name: str) -> None:
        """Forget a checkpoint; that it is absent is no error."""
        self.rows.pop(name, None)
