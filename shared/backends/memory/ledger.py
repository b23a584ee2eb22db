"""The ledger of objects in a dictionary. Does not look at the objects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from shared.errors import ConcurrentChangeError
from shared.records import LedgerEntry, ObjectKey


class MemoryObjectLedger:
    """An ObjectLedger in *entries*, which tests may read and write past the port."""

    def __init__(self) -> None:
        self.entries: dict[ObjectKey, LedgerEntry] = {}
        self._revision = 0

    async def get(self, key: ObjectKey) -> LedgerEntry | None:
        """Return the entry of *key*, if there is one."""
        return self.entries.get(key)

    async def put(self, entries: Sequence[LedgerEntry]) -> None:
        """Write entries, replacing those there; of two for one key the later wins."""
        for entry in entries:
            self._write(entry)

    async def advance(self, entry: LedgerEntry, *, seen: LedgerEntry | None) -> LedgerEntry:
        """Write *entry* if the ledger still says *seen*; see ObjectLedger.advance."""
        self._check(entry.key, seen)
        return self._write(entry)

    async def forget(self, seen: LedgerEntry) -> None:
        """Remove the entry if the ledger still says *seen*."""
        self._check(seen.key, seen)
        del self.entries[seen.key]

    def _write(self, entry: LedgerEntry) -> LedgerEntry:
        self._revision += 1
        written = self.entries[entry.key] = replace(entry, revision=str(self._revision))
        return written

    def _check(self, key: ObjectKey, seen: LedgerEntry | None) -> None:
        entry = self.entries.get(key)
        if (entry and entry.revision) != (seen and seen.revision):
            raise ConcurrentChangeError(f"the ledger's entry of an object in {key.container} has changed")

    async def remove(self, key: ObjectKey) -> None:
        """Forget *key*; that it is unknown is no error."""
        self.entries.pop(key, None)

    async def scan(self, container: str, *, after: str = "") -> AsyncIterator[LedgerEntry]:
        """Yield the entries there were when the scan began, in the order of their names, those after *after*."""
        for key, entry in sorted(self.entries.items()):
            if key.container == container and key.name > after:
                yield entry
