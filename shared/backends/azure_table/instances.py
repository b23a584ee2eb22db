"""InstanceIndex on the table `instances`: a series is a partition, so its changes and their outbox rows are atomic.

Rows of a series' partition: `{SOP instance}` serves, `{SOP instance}!{hash}` is a spare, `~{version}!{SOP instance}`
is an entry on its way to the change feed (changes.py). What follows from which rows is planned in claims.py; summaries
are made in summaries.py.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from shared.backends.azure_table import keys
from shared.backends.azure_table.claims import OUTBOX_START, ClaimRows, Claims, NewClaim
from shared.backends.azure_table.dirty import Dirty, Note
from shared.backends.azure_table.fates import SESSION, SESSION_BEFORE, Fates, View
from shared.backends.azure_table.rows import INSTANCE, RecordRows, claim_of_row, overflow_of
from shared.backends.azure_table.staged import AzureTableSessions
from shared.backends.azure_table.tables import Tables, pause
from shared.backends.azure_table.transactions import row_bytes
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.errors import ConcurrentChangeError, InstanceNotFoundError, UnsupportedObjectError
from shared.records import HeldClaim, InstanceRecord, ObjectKey, PutOutcome

__all__ = ["OUTBOX_START", "TABLE", "AzureTableInstances", "ref_of_outbox", "ref_of_row"]

TABLE = "instances"

_BATCH = 50
"""Instances a transaction: each has two rows, and Azure takes a hundred."""
_BATCH_BYTES = 3 * 1024 * 1024
_TRIES = 12


class AzureTableInstances:
    """The instances of one data partition."""

    def __init__(
        self, tables: Tables, rows: RecordRows, dirty: Dirty, partition: str, fates: Fates | None = None
    ) -> None:
        self._tables = tables
        self._rows = rows
        self._dirty = dirty
        self._partition = keys.partition_name(partition)
        self._plans = ClaimRows(partition)
        self._fates = fates or Fates(tables)
        self.sessions = AzureTableSessions(tables, rows, dirty, self._fates, partition=partition)

    async def put(self, records: Sequence[InstanceRecord], *, if_absent: bool = False) -> list[PutOutcome]:
        """Put the records of one series; see InstanceIndex.put."""
        return await self._put_all(records, if_absent=if_absent, again=False)

    async def renew(self, records: Sequence[InstanceRecord]) -> list[PutOutcome]:
        """Do as put, in place of what is kept of the same objects; see InstanceIndex.renew."""
        return await self._put_all(records, if_absent=False, again=True)

    async def _put_all(
        self, records: Sequence[InstanceRecord], *, if_absent: bool, again: bool
    ) -> list[PutOutcome]:
        if not records:
            return []
        series = records[0].ref.series
        if any(record.ref.series != series for record in records):
            raise UnsupportedObjectError("records of several series were put at once")
        rows = await asyncio.gather(*map(self._rows.to_row, records))
        new = [NewClaim(record, row) for record, row in zip(records, rows, strict=True)]
        version = time.time_ns() // 1000
        outcomes: list[PutOutcome] = []
        for batch in self._batches(new, version):
            # One commit, one note: a summary between two commits takes the note of the first away.
            note = await self._dirty.note(series)
            changes = [change for claim in batch for change in self._plans.insert(claim, version, note)]
            are_distinct = len({claim.record.ref for claim in batch}) == len(batch)
            if are_distinct and await self._tables.transact(TABLE, changes):
                outcomes += [PutOutcome.CREATED] * len(batch)
            else:
                # Some are there already: each is put by itself, in order.
                outcomes += await self._put_each(batch, note, if_absent=if_absent, again=again)
        return outcomes

    def _batches(self, new: Sequence[NewClaim], version: int) -> list[list[NewClaim]]:
        """Return *new* in groups whose inserts fit a transaction."""
        batches: list[list[NewClaim]] = []
        used = 0
        for claim in new:
            unwritten = Note(claim.record.ref.series, "0" * 24)
            size = sum(row_bytes(change.row) for change in self._plans.insert(claim, version, unwritten))
            if not batches or len(batches[-1]) >= _BATCH or used + size > _BATCH_BYTES:
                batches.append([])
                used = 0
            batches[-1].append(claim)
            used += size
        return batches

    async def _put_each(
        self, new: Sequence[NewClaim], first_note: Note, *, if_absent: bool, again: bool
    ) -> list[PutOutcome]:
        outcomes: list[PutOutcome] = []
        note: Note | None = first_note
        for claim in new:
            note = note or await self._dirty.note(claim.record.ref.series)
            outcome, is_committed = await self._put_one(claim, note, if_absent=if_absent, again=again)
            outcomes.append(outcome)
            note = None if is_committed else note
        if note is not None:
            await self._dirty.settle([note])
        return outcomes

    async def _put_one(
        self, new: NewClaim, note: Note, *, if_absent: bool, again: bool
    ) -> tuple[PutOutcome, bool]:
        """Put one record; return what that was, and whether a commit of *note* is in the table."""
        for attempt in range(_TRIES):
            claims = await self._settled_claims(new.record.ref)
            outcome, changes = self._plans.put(new, claims, note, if_absent=if_absent, again=again)
            if not changes:
                await self._rows.drop(set(overflow_of(new.properties)) - _named_by(claims))
                # It may be there because the answer to a commit of this note was lost.
                return outcome, claims.serving is not None and claims.serving["nonce"] == note.nonce
            if await self._tables.transact(TABLE, changes):
                await self._rows.drop(claims.dropped_by(changes))
                return outcome, any(change.row.get("nonce") == note.nonce for change in changes)
            await pause(attempt)
        raise ConcurrentChangeError(f"instance {new.record.ref.sop_instance_uid} kept changing")

    async def remove(self, ref: InstanceRef, key: ObjectKey) -> bool:
        """Forget that *key* claims *ref*; see InstanceIndex.remove."""
        note: Note | None = None
        for attempt in range(_TRIES):
            claims = await self._settled_claims(ref)
            own = next((row for row in claims.rows if claim_of_row(row).key == key), None)
            if own is None:
                # A note that was written stays: the answer to its commit may have been lost.
                return False
            note = note or await self._dirty.note(ref.series)
            changes = self._plans.remove(ref, own, claims, note)
            if await self._tables.transact(TABLE, changes):
                await self._rows.drop(claims.dropped_by(changes))
                if own is not claims.serving:
                    await self._dirty.settle([note])
                return True
            await pause(attempt)
        raise ConcurrentChangeError(f"instance {ref.sop_instance_uid} kept changing")

    async def _settled_claims(self, ref: InstanceRef) -> Claims:
        """Return the claims as a writer needs them: a row of an upload session is published, or gone, before.

        Raises:
            ConcurrentChangeError: The session is open.
        """
        while True:
            claims = await self._claims(ref)
            if claims.serving is None or await self.sessions.is_settled(claims.serving, ref):
                return claims

    async def _claims(self, ref: InstanceRef) -> Claims:
        uid = ref.sop_instance_uid
        rows = await self._tables.rows_of(
            TABLE, keys.series_key(self._partition, ref.series), start=uid, end=uid + keys.AFTER_JOIN
        )
        serving = next((row for row in rows if row["RowKey"] == uid), None)
        return Claims(serving, [row for row in rows if row["RowKey"] != uid])

    async def get(self, ref: InstanceRef) -> InstanceRecord:
        """Return the record that serves; see InstanceIndex.get."""
        row = await self._tables.get(
            TABLE, keys.series_key(self._partition, ref.series), ref.sop_instance_uid
        )
        if row is None or not await View(self._fates).shows(row):
            raise InstanceNotFoundError(f"no instance {ref.sop_instance_uid} in this series")
        return await self._rows.to_record(row, ref.series)

    async def claims_of(self, ref: InstanceRef) -> AsyncIterator[ObjectKey]:
        """Yield every object that claims *ref*, the serving one first."""
        view = View(self._fates)
        for row in (await self._claims(ref)).rows:
            if await view.shows(row):
                yield claim_of_row(row).key

    async def versions_of(self, ref: InstanceRef) -> AsyncIterator[InstanceRecord]:
        """Yield the record of every object that claims *ref*; see InstanceIndex.versions_of."""
        view = View(self._fates)
        for row in (await self._claims(ref)).rows:
            if await view.shows(row):
                yield await self._rows.to_record(row, ref.series)

    async def instances_of(self, ref: StudyRef | SeriesRef) -> AsyncIterator[InstanceRecord]:
        """Yield the serving records; see InstanceIndex.instances_of."""
        filters, parameters = self._range_of(ref)
        filters += " and kind eq @kind"
        view = View(self._fates)
        async for row in self._tables.query(TABLE, filters, parameters | {"kind": INSTANCE}):
            if await view.shows(row):
                yield await self._rows.to_record(row, _series_of(row))

    async def claims_in(self, ref: StudyRef | SeriesRef) -> AsyncIterator[HeldClaim]:
        """Yield every object that claims an instance of *ref*; see InstanceIndex.claims_in."""
        async for claim in self._held(*self._range_of(ref)):
            yield claim

    def _range_of(self, ref: StudyRef | SeriesRef) -> tuple[str, dict[str, str]]:
        if isinstance(ref, SeriesRef):
            return "PartitionKey eq @key", {"key": keys.series_key(self._partition, ref)}
        study = keys.study_key(self._partition, ref)
        return "PartitionKey gt @key and PartitionKey lt @end", {
            "key": study + "!",
            "end": study + keys.AFTER_JOIN,
        }

    async def scan(self, after: SeriesRef | None = None) -> AsyncIterator[HeldClaim]:
        """Yield every claim there is, series by series in the order of their keys; see InstanceIndex.scan."""
        behind = "" if after is None else keys.series_key(self._partition, after)
        for spread in (f"{number:02x}" for number in range(256)):
            start = f"{spread}!{self._partition}!"
            end = f"{spread}!{self._partition}{keys.AFTER_JOIN}"
            if behind < end:
                bounds = {"start": max(start, behind), "end": end}
                async for claim in self._held("PartitionKey gt @start and PartitionKey lt @end", bounds):
                    yield claim

    async def _held(self, filters: str, parameters: Mapping[str, str]) -> AsyncIterator[HeldClaim]:
        rows = self._tables.query(
            TABLE,
            f"{filters} and RowKey lt @outbox",
            {**parameters, "outbox": OUTBOX_START},
            select=["PartitionKey", "RowKey", "kind", "record", SESSION, SESSION_BEFORE],
        )
        view = View(self._fates)
        async for row in rows:
            if not await view.shows(row):
                continue
            claim = claim_of_row(row)
            yield HeldClaim(ref_of_row(row), claim.key, claim.etag, row["kind"] == INSTANCE)


def _named_by(claims: Claims) -> set[str]:
    return {name for row in claims.rows for name in overflow_of(row)}


def _series_of(row: Mapping[str, Any]) -> SeriesRef:
    _, _, study_instance_uid, series_instance_uid = row["PartitionKey"].split("!")
    return SeriesRef(study_instance_uid, series_instance_uid)


def ref_of_row(row: Mapping[str, Any]) -> InstanceRef:
    """Return the instance that a row of an instance or a spare is about."""
    series = _series_of(row)
    sop_instance_uid = str(row["RowKey"]).partition("!")[0]
    return InstanceRef(series.study_instance_uid, series.series_instance_uid, sop_instance_uid)


def ref_of_outbox(row: Mapping[str, Any]) -> InstanceRef:
    """Return the instance that an outbox row is about."""
    series = _series_of(row)
    sop_instance_uid = row["RowKey"].split("!")[1]
    return InstanceRef(series.study_instance_uid, series.series_instance_uid, sop_instance_uid)
