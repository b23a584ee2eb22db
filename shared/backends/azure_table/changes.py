"""The change feed: entries in one order, made from outbox rows by optimistic transactions on one head row.

A batch of entries and the new head are one transaction, so a reader sees all of a batch or nothing, and no entry ever
appears below a sequence already served, whichever process dies when. An outbox row becomes one entry only, because
of two rules that every process keeps: before a batch is committed, the outbox rows of the batch before it are gone;
and outbox rows are read after the head that the commit is conditional on.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.backends.azure_table import instances
from shared.backends.azure_table.entities import StoredRow, etag_of
from shared.backends.azure_table.tables import Tables, pause
from shared.backends.azure_table.transactions import MAX_TRANSACTION_ROWS
from shared.backends.azure_table.transactions import Change as RowChange
from shared.dicom.references import InstanceRef
from shared.errors import ConcurrentChangeError
from shared.records import Change, ChangeAction

TABLE = "changes"
FEED = "feed"
_HEAD_ROW = "head"
_BATCH = MAX_TRANSACTION_ROWS - 1
_TRIES = 20

type OutboxKey = tuple[str, str]
"""PartitionKey and RowKey of an outbox row in the table `instances`."""


@dataclass(frozen=True, slots=True)
class _Head:
    """The last committed state of the feed; *count* entries up to *sequence* were its last batch."""

    sequence: int = 0
    count: int = 0
    at: str = ""
    etag: str | None = None


class AzureTableChanges:
    """The feed of all data partitions."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._lock = asyncio.Lock()
        self._waiting: set[OutboxKey] = set()
        self._head: _Head | None = None
        """Known only while the outbox rows of its batch are known to be gone."""

    async def publish(self, outbox: Iterable[OutboxKey]) -> None:
        """Turn those of the outbox rows that still exist into entries, and remove them.

        Callers that wait for another's batch are served together by the next one.

        Raises:
            ConcurrentChangeError: Other processes kept committing first.
        """
        mine = set(outbox)
        self._waiting |= mine
        async with self._lock:
            if not mine & self._waiting:
                return
            keys, self._waiting = self._waiting, set()
            try:
                await self._publish_with_retries(keys)
            except BaseException:
                # Those who wait for this batch must find that it has not been published.
                self._waiting |= keys
                raise

    async def _publish_with_retries(self, keys: set[OutboxKey]) -> None:
        for attempt in range(_TRIES):
            if await self._publish_all(keys):
                return
            await pause(attempt)
        raise ConcurrentChangeError("other writers kept moving the head of the change feed")

    async def _publish_all(self, keys: set[OutboxKey]) -> bool:
        head = self._head or await self._settled_head()
        self._head = None
        rows = await self._existing(keys)
        rows.sort(key=lambda row: (row["RowKey"], row["PartitionKey"]))
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            next_head = await self._commit(head, batch)
            if next_head is None:
                return False
            await self._remove(batch)
            head = next_head
        self._head = head
        return True

    async def _settled_head(self) -> _Head:
        """Read the head, and see to it that its batch's outbox rows are gone: its writer may have died before."""
        row = await self._tables.get(TABLE, FEED, _HEAD_ROW)
        if row is None:
            return _Head()
        head = _Head(int(row["sequence"]), int(row["count"]), row["at"], etag_of(row))
        batch = await self._tables.rows_of(
            TABLE, FEED, start=_row_key(head.sequence - head.count + 1), end=_row_key(head.sequence + 1)
        )
        await self._tables.delete_rows(
            instances.TABLE, [(entry["outbox_partition"], entry["outbox_row"]) for entry in batch]
        )
        return head

    async def _existing(self, keys: Iterable[OutboxKey]) -> list[StoredRow]:
        by_partition: dict[str, set[str]] = {}
        for partition_key, row_key in keys:
            by_partition.setdefault(partition_key, set()).add(row_key)
        found = await asyncio.gather(
            *(
                self._tables.rows_of(instances.TABLE, partition_key, start=instances.OUTBOX_START)
                for partition_key in by_partition
            )
        )
        return [row for rows in found for row in rows if row["RowKey"] in by_partition[row["PartitionKey"]]]

    async def _commit(self, head: _Head, batch: Sequence[StoredRow]) -> _Head | None:
        """Append *batch* to the feed, or return None if the head has moved."""
        # A clock that runs behind must not make time go back in the feed.
        at = max(datetime.now(UTC).isoformat(timespec="microseconds"), head.at)
        sequence = head.sequence + len(batch)
        head_row = {
            "PartitionKey": FEED,
            "RowKey": _HEAD_ROW,
            "sequence": str(sequence),
            "count": str(len(batch)),
            "at": at,
        }
        changes = [RowChange("insert" if head.etag is None else "update", head_row, head.etag)]
        for offset, row in enumerate(batch, start=1):
            entry = {
                "PartitionKey": FEED,
                "RowKey": _row_key(head.sequence + offset),
                "action": row["action"],
                "at": at,
                "outbox_partition": row["PartitionKey"],
                "outbox_row": row["RowKey"],
            }
            changes.append(RowChange("insert", entry))
        etag = await self._tables.transact_for_etag(TABLE, changes)
        return None if etag is None else _Head(sequence, len(batch), at, etag)

    async def _remove(self, batch: Sequence[StoredRow]) -> None:
        await self._tables.delete_rows(
            instances.TABLE, [(row["PartitionKey"], row["RowKey"]) for row in batch]
        )

    async def changes(self, after: int, limit: int) -> list[Change]:
        """Return up to *limit* entries with sequence > *after*; see ChangeFeed.changes."""
        rows = await self._tables.rows_of(
            TABLE, FEED, start=_row_key(after + 1), end=_row_key(after + 1 + limit)
        )
        return [_change(row) for row in rows if row["RowKey"] != _HEAD_ROW]

    async def latest(self) -> Change | None:
        """Return the newest entry; see ChangeFeed.latest."""
        head = await self._tables.get(TABLE, FEED, _HEAD_ROW)
        if head is None:
            return None
        row = await self._tables.get(TABLE, FEED, _row_key(int(head["sequence"])))
        return None if row is None else _change(row)


def _row_key(sequence: int) -> str:
    return f"{max(sequence, 0):020d}"


def _change(row: StoredRow) -> Change:
    _, partition, study_instance_uid, series_instance_uid = row["outbox_partition"].split("!")
    version, sop_instance_uid = row["outbox_row"].removeprefix(instances.OUTBOX_START).split("!")
    return Change(
        sequence=int(row["RowKey"]),
        action=ChangeAction(row["action"]),
        ref=InstanceRef(study_instance_uid, series_instance_uid, sop_instance_uid),
        partition=partition,
        changed_at=datetime.fromisoformat(row["at"]),
        version=int(version),
    )
