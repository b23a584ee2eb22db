"""The change feed of all partitions in a list. Does not decide what a change is."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.dicom.references import InstanceRef
from shared.records import Change, ChangeAction


class MemoryChangeFeed:
    """A ChangeFeed."""

    def __init__(self) -> None:
        self._changes: list[Change] = []

    def append(self, action: ChangeAction, ref: InstanceRef, partition: str, version: int) -> None:
        """Give a change its place in the feed."""
        sequence = len(self._changes) + 1
        self._changes.append(Change(sequence, action, ref, partition, datetime.now(UTC), version))

    async def changes(self, after: int, limit: int) -> list[Change]:
        """Return up to *limit* entries with sequence > *after*, ascending."""
        return self._changes[after : after + limit]

    async def latest(self) -> Change | None:
        """Return the newest entry, if there is any."""
        return self._changes[-1] if self._changes else None
