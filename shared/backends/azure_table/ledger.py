"""ObjectLedger on the table `objects`: one row an object, in the order of names within each shard."""

import heapq
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from shared.backends.azure_table import keys
from shared.backends.azure_table.entities import StoredRow, etag_of
from shared.backends.azure_table.tables import Tables
from shared.backends.azure_table.transactions import Change
from shared.dicom.references import InstanceRef
from shared.errors import ConcurrentChangeError
from shared.records import CaseView, LedgerEntry, ObjectKey, ObjectState

TABLE = "objects"
_SHARDS = "0123456789abcdef"


class AzureTableLedger:
    """The ledger of one data partition."""

    def __init__(self, tables: Tables, partition: str) -> None:
        self._tables = tables
        self._partition = keys.partition_name(partition)

    def _keys(self, key: ObjectKey) -> tuple[str, str]:
        return keys.object_shard(self._partition, key.container, key.name), keys.object_row(key.name)

    async def get(self, key: ObjectKey) -> LedgerEntry | None:
        """Return the entry of *key*, if there is one."""
        row = await self._tables.get(TABLE, *self._keys(key))
        return None if row is None else _entry(key.container, row)

    async def put(self, entries: Sequence[LedgerEntry]) -> None:
        """Write entries, replacing those there; those of one folder in transactions."""
        # A transaction takes a row once only: the last entry of an object counts.
        latest = {entry.key: entry for entry in entries}
        await self._tables.upsert_rows(TABLE, [self._row(entry) for entry in latest.values()])

    async def advance(self, entry: LedgerEntry, *, seen: LedgerEntry | None) -> LedgerEntry:
        """Write *entry* if the ledger still says *seen*; see ObjectLedger.advance."""
        row = self._row(entry)
        change = Change("insert", row) if seen is None else Change("update", row, seen.revision)
        revision = await self._tables.transact_for_etag(TABLE, [change])
        if revision is None:
            raise ConcurrentChangeError(
                f"the ledger's entry of an object in {entry.key.container} has changed"
            )
        return replace(entry, revision=revision)

    async def forget(self, seen: LedgerEntry) -> None:
        """Remove the entry if the ledger still says *seen*; see ObjectLedger.forget."""
        partition_key, row_key = self._keys(seen.key)
        change = Change("delete", {"PartitionKey": partition_key, "RowKey": row_key}, seen.revision)
        if not await self._tables.transact(TABLE, [change]):
            raise ConcurrentChangeError(
                f"the ledger's entry of an object in {seen.key.container} has changed"
            )

    def _row(self, entry: LedgerEntry) -> dict[str, Any]:
        partition_key, row_key = self._keys(entry.key)
        row: dict[str, Any] = {
            "PartitionKey": partition_key,
            "RowKey": row_key,
            "name": entry.key.name,
            "etag": entry.etag,
            "state": entry.state.value,
            "reason": entry.reason,
        }
        if entry.ref is not None:
            row |= {
                "study": entry.ref.study_instance_uid,
                "series": entry.ref.series_instance_uid,
                "instance": entry.ref.sop_instance_uid,
            }
        if entry.case is not None:
            row |= {
                "case_year": entry.case.year,
                "case_id": entry.case.case_id,
                "case_view": entry.case.view,
                "case_named": entry.case.named,
            }
        return row

    async def remove(self, key: ObjectKey) -> None:
        """Forget *key*; that it is unknown is no error."""
        await self._tables.delete(TABLE, *self._keys(key))

    async def scan(self, container: str, *, after: str = "") -> AsyncIterator[LedgerEntry]:
        """Yield the entries of a container in the order of their names: a merge of its shards."""
        shards = [self._shard(container, shard, after) for shard in _SHARDS]
        heads: list[tuple[str, int, LedgerEntry]] = []
        for index, shard in enumerate(shards):
            first = await anext(shard, None)
            if first is not None:
                heads.append((first.key.name, index, first))
        heapq.heapify(heads)
        while heads:
            _, index, entry = heads[0]
            yield entry
            following = await anext(shards[index], None)
            if following is None:
                heapq.heappop(heads)
            else:
                heapq.heapreplace(heads, (following.key.name, index, following))

    async def _shard(self, container: str, shard: str, after: str) -> AsyncIterator[LedgerEntry]:
        # Row keys of very long names are cut: those that share the cut of *after* are read again and left out here.
        filters = "PartitionKey eq @key and RowKey ge @start"
        parameters = {
            "key": keys.checked(f"{self._partition}!{container}!{shard}"),
            "start": keys.object_row(after)[: keys.NAME_PREFIX],
        }
        waiting: list[LedgerEntry] = []
        async for row in self._tables.query(TABLE, filters, parameters):
            entry = _entry(container, row)
            if entry.key.name <= after:
                continue
            # Names that share their first characters follow each other as keys, but sorted by a hash.
            if waiting and _cut(waiting[0]) != _cut(entry):
                for earlier in sorted(waiting, key=_name):
                    yield earlier
                waiting = []
            waiting.append(entry)
        for last in sorted(waiting, key=_name):
            yield last


def _name(entry: LedgerEntry) -> str:
    return entry.key.name


def _cut(entry: LedgerEntry) -> str:
    return keys.object_row(entry.key.name)[: keys.NAME_PREFIX]


def _entry(container: str, row: StoredRow) -> LedgerEntry:
    ref = InstanceRef(row["study"], row["series"], row["instance"]) if "instance" in row else None
    case = None
    if "case_id" in row:
        case = CaseView(row["case_year"], row["case_id"], row["case_view"], named=row["case_named"])
    return LedgerEntry(
        ObjectKey(container, row["name"]),
        row["etag"],
        ObjectState(row["state"]),
        ref,
        row["reason"],
        case,
        etag_of(row),
    )
