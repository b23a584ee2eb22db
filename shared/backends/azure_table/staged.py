"""UploadSessions on the table `instances`: rows that carry their session are seen once its row is there (fates.py)."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from shared.backends.azure_table import keys
from shared.backends.azure_table.claims import ClaimRows, NewClaim
from shared.backends.azure_table.dirty import Dirty, Note
from shared.backends.azure_table.entities import StoredRow, etag_of
from shared.backends.azure_table.fates import SESSION, SESSION_BEFORE, Fates
from shared.backends.azure_table.rows import INSTANCE, RecordRows, claim_of_record, claim_of_row, overflow_of
from shared.backends.azure_table.tables import Tables, pause
from shared.backends.azure_table.transactions import MAX_TRANSACTION_BYTES, Change, in_transactions, row_bytes
from shared.dicom.references import InstanceRef, SeriesRef
from shared.errors import ConcurrentChangeError, UnsupportedObjectError
from shared.ports.sessions import Fate
from shared.records import InstanceRecord, PutOutcome

_TABLE: Final = "instances"
_NOTES: Final = "jobs", "sessions"
"""Table and partition of the notes of unfinished sessions."""
_BATCH: Final = 50
"""Instances published a transaction: each takes two changes."""
_OUTBOX_BYTES: Final = 2048
"""About what such an entry takes in a request, and what publishing adds to a row."""
_TRIES: Final = 12
_SERIES_AT_ONCE: Final = 16


class AzureTableSessions:
    """The upload sessions of one data partition."""

    def __init__(
        self, tables: Tables, rows: RecordRows, dirty: Dirty, fates: Fates, *, partition: str
    ) -> None:
        self._tables = tables
        self._rows = rows
        self._dirty = dirty
        self._fates = fates
        self._plans = ClaimRows(partition)
        self._partition = partition
        self._announced: dict[str, dict[SeriesRef, Note]] = {}

    async def begin(self, session: str, at: datetime) -> None:
        """Note that a session is not finished."""
        table, partition_key = _NOTES
        row = {
            "PartitionKey": partition_key,
            "RowKey": keys.checked(session),
            "at": at.astimezone(UTC).isoformat(),
        }
        await self._tables.upsert(table, row)

    async def unfinished(self, before: datetime) -> list[str]:
        """Return the sessions noted before a moment."""
        found = await self._tables.rows_of(*_NOTES)
        return [row["RowKey"] for row in found if datetime.fromisoformat(row["at"]) < before]

    async def forget(self, session: str) -> None:
        """Take the note away."""
        await self._tables.delete(*_NOTES, keys.checked(session))

    async def fate(self, session: str) -> Fate:
        """Return what was decided."""
        return await self._fates.of(session)

    async def stage(self, session: str, records: Sequence[InstanceRecord]) -> list[PutOutcome]:
        """Put the records of one series out of sight; see UploadSessions.stage."""
        if len({record.ref.series for record in records}) > 1:
            raise UnsupportedObjectError("records of several series were staged at once")
        rows = [self._row(session, record, await self._rows.to_row(record)) for record in records]
        outcomes: list[PutOutcome] = []
        start = 0
        for group in in_transactions(Change("insert", row) for row in rows):
            batch = list(zip(records[start:], rows[start : start + len(group)], strict=False))
            start += len(group)
            are_distinct = len({record.ref for record, _ in batch}) == len(batch)
            if are_distinct and await self._tables.transact(_TABLE, group):
                outcomes += [PutOutcome.CREATED] * len(batch)
            else:
                outcomes += [await self._stage_one(session, record, row) for record, row in batch]
        return outcomes

    async def _stage_one(self, session: str, record: InstanceRecord, row: dict[str, Any]) -> PutOutcome:
        for attempt in range(_TRIES):
            if await self._tables.insert(_TABLE, row):
                return PutOutcome.CREATED
            there = await self._tables.get(_TABLE, row["PartitionKey"], row["RowKey"])
            if there is None:
                continue
            is_own = session in (there.get(SESSION), there.get(SESSION_BEFORE))
            if is_own and claim_of_row(there) == claim_of_record(record):
                await self._rows.drop(set(overflow_of(row)) - set(overflow_of(there)))
                return PutOutcome.UNCHANGED
            if await self.is_settled(there, record.ref):
                await self._rows.drop(overflow_of(row))
                return PutOutcome.EXISTS
            await pause(attempt)
        raise ConcurrentChangeError(f"instance {record.ref.sop_instance_uid} kept changing")

    def _row(self, session: str, record: InstanceRecord, properties: dict[str, Any]) -> dict[str, Any]:
        version = time.time_ns() // 1000
        row = self._plans.row(NewClaim(record, properties), record.ref.sop_instance_uid, INSTANCE, version)
        return row | {"nonce": "", SESSION: session}

    async def is_settled(self, row: StoredRow, ref: InstanceRef) -> bool:
        """Settle a row if its session is decided; False if it has to be read again.

        Raises:
            ConcurrentChangeError: Its session is open.
        """
        session = row.get(SESSION)
        if session is None:
            return True
        fate = await self._fates.of(session)
        if fate is Fate.OPEN:
            raise ConcurrentChangeError(
                f"instance {ref.sop_instance_uid} is being stored by an upload session; try again when that has ended"
            )
        if fate is Fate.COMMITTED:
            await self._publish_rows([row], ref.series)
        else:
            await self._remove_rows([row])
        return False

    async def commit(self, session: str, series: Sequence[SeriesRef]) -> bool:
        """Let all that is staged be seen; see UploadSessions.commit.

        Its studies are noted as due first: a search that follows sums them up, though nothing is published yet.
        """
        if await self._fates.of(session) is Fate.OPEN:
            notes: dict[SeriesRef, Note] = {}
            for start in range(0, len(series), _SERIES_AT_ONCE):
                some = series[start : start + _SERIES_AT_ONCE]
                notes |= dict(zip(some, await asyncio.gather(*map(self._dirty.note, some)), strict=True))
            self._announced[session] = notes
        return await self._fates.decide(session, Fate.COMMITTED) is Fate.COMMITTED

    async def withdraw(self, session: str) -> bool:
        """Make sure that the session is never committed."""
        return await self._fates.decide(session, Fate.WITHDRAWN) is Fate.WITHDRAWN

    async def publish(self, session: str, series: SeriesRef) -> None:
        """Let the change feed have a series of a session; see UploadSessions.publish."""
        for attempt in range(_TRIES):
            if await self._publish_rows(await self._staged(session, series), series):
                break
            await pause(attempt)
        else:
            raise ConcurrentChangeError(f"series {series.series_instance_uid} kept changing")
        announced = self._announced.get(session, {})
        if (note := announced.pop(series, None)) is not None:
            await self._dirty.settle([note])
        if not announced:
            self._announced.pop(session, None)

    async def unstage(self, session: str, series: SeriesRef) -> None:
        """Remove what a withdrawn session has staged of a series."""
        await self._remove_rows(await self._staged(session, series))

    async def _staged(self, session: str, series: SeriesRef) -> list[StoredRow]:
        parameters = {"key": keys.series_key(self._partition, series), "session": session}
        filters = f"PartitionKey eq @key and {SESSION} eq @session"
        return [row async for row in self._tables.query(_TABLE, filters, parameters)]

    async def _publish_rows(self, rows: Sequence[StoredRow], series: SeriesRef) -> bool:
        """Make rows like any other, each with its entry for the feed; False if another writer came first."""
        done = True
        for group in _groups(rows):
            # One commit, one note, as for any other change of the index.
            note = await self._dirty.note(series)
            changes = [change for row in group for change in self._publication(row, series, note)]
            done &= await self._tables.transact(_TABLE, changes)
        return done

    def _publication(self, row: StoredRow, series: SeriesRef, note: Note) -> list[Change]:
        version = max(time.time_ns() // 1000, int(row["version"]) + 1)
        ref = InstanceRef(series.study_instance_uid, series.series_instance_uid, row["RowKey"])
        published = {name: value for name, value in row.items() if name != SESSION}
        published |= {SESSION_BEFORE: row[SESSION], "version": str(version), "nonce": note.nonce}
        return [Change("update", published, etag_of(row)), self._plans.created(ref, version, note)]

    async def _remove_rows(self, rows: Sequence[StoredRow]) -> None:
        for row in rows:
            if await self._tables.transact(_TABLE, [Change("delete", row, etag_of(row))]):
                await self._rows.drop(overflow_of(row))


def _groups(rows: Sequence[StoredRow]) -> Iterable[list[StoredRow]]:
    """Yield rows in groups that a transaction takes, with an entry for the feed each."""
    group: list[StoredRow] = []
    used = 0
    for row in rows:
        size = row_bytes(row) + _OUTBOX_BYTES
        if group and (len(group) == _BATCH or used + size > MAX_TRANSACTION_BYTES):
            yield group
            group, used = [], 0
        group.append(row)
        used += size
    if group:
        yield group
