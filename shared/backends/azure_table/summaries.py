"""StudySummaries: brings the tables `series`, `studies` and `lookups` and the feed up to the table `instances`.

A summary is always computed from the instances as they are, never counted up, and written on condition that it has
not changed since before they were read. So it may run twice, late or at the same time as another, and be killed
anywhere: a note (dirty.py) goes only after all that its commit changed has been written.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

import orjson

from shared.backends.azure_table import instances, keys, lookups
from shared.backends.azure_table.changes import AzureTableChanges
from shared.backends.azure_table.dirty import Dirty, Note
from shared.backends.azure_table.entities import StoredRow, etag_of
from shared.backends.azure_table.fates import SESSION, SESSION_BEFORE, Fates, View
from shared.backends.azure_table.lookups import LookupKeys, bounded
from shared.backends.azure_table.risks import risk_of_series
from shared.backends.azure_table.rows import INSTANCE, RecordRows, risk_of
from shared.backends.azure_table.tables import Tables, pause
from shared.backends.azure_table.transactions import Change
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.dicom.risk.study_risk import StudyRisk
from shared.dicom.study_summary import merge_series, merge_study
from shared.errors import ConcurrentChangeError
from shared.records import Json

STUDIES, SERIES = "studies", "series"
STUDY_ROW = "study"
_TRIES = 20
_INSTANCES_IN_SERIES = "00201209"
_MAX_TELLING = 50
"""Instances read for the row of their series, the least UIDs first; more that differ are not worth a read each."""


class AzureTableSummaries:
    """The summaries of one data partition."""

    def __init__(
        self,
        tables: Tables,
        rows: RecordRows,
        dirty: Dirty,
        changes: AzureTableChanges,
        lookup_keys: LookupKeys,
        *,
        fates: Fates | None = None,
    ) -> None:
        self._tables = tables
        self._fates = fates or Fates(tables)
        self._rows = rows
        self._dirty = dirty
        self._changes = changes
        self._keys = lookup_keys
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def refresh(self, ref: StudyRef) -> None:
        """Bring the study up to every change made before this call; see StudySummaries.refresh."""
        # Refreshes of one study take turns; those that waited usually find it done.
        lock = self._locks.setdefault(ref.study_instance_uid, asyncio.Lock())
        async with lock:
            for attempt in range(_TRIES):
                # The winner of a race settles the others' notes with its own: most losers find none left.
                notes = await self._dirty.of_study(ref)
                if not notes or await self._refresh_noted(ref, notes):
                    return
                await pause(attempt)
        raise ConcurrentChangeError(f"the summary of study {ref.study_instance_uid} kept changing")

    async def rebuild(self, ref: StudyRef) -> None:
        """Make the study's rows anew; see StudySummaries.rebuild. Killed on the way, it leaves the study due."""
        study_key = keys.study_key(self._keys.partition, ref)
        found = self._tables.query(
            instances.TABLE,
            "PartitionKey gt @key and PartitionKey lt @end and kind eq @kind",
            {"key": study_key + "!", "end": study_key + keys.AFTER_JOIN, "kind": INSTANCE},
            select=["PartitionKey", "RowKey"],
        )
        present = [instances.ref_of_row(row) async for row in found]
        stored = await self._tables.rows_of(SERIES, study_key, select=["RowKey"])
        series = {SeriesRef(ref.study_instance_uid, row["RowKey"]) for row in stored}
        # A study of which nothing is left but its own row is looked at by way of a series that it need not have.
        series |= {instance.series for instance in present} or {
            SeriesRef(ref.study_instance_uid, ref.study_instance_uid)
        }
        notes = [await self._dirty.note(one) for one in sorted(series)]
        await self.refresh(ref)
        await self._tables.upsert_rows(
            lookups.INSTANCE_TABLE, [_keyed(self._keys.instance(instance)) for instance in present]
        )
        await self._dirty.settle(notes)

    async def due(self, limit: int) -> list[StudyRef]:
        """Return studies whose summary is behind; see StudySummaries.due."""
        studies = dict.fromkeys(note.series.study for note in await self._dirty.all())
        return list(studies)[:limit]

    async def _refresh_noted(self, ref: StudyRef, notes: Sequence[Note]) -> bool:
        """Do all that *notes* ask for, or return False if another writer came between."""
        series = list(dict.fromkeys(note.series for note in notes))
        outbox = [row for rows in await asyncio.gather(*map(self._outbox, series)) for row in rows]
        views = [View(self._fates) for _ in series]
        refreshed = await asyncio.gather(*map(self._refresh_series, series, views))
        hidden, shown = (
            set().union(*sets) for sets in zip(*((v.hidden, v.shown) for v in views), strict=True)
        )
        if hidden & shown:
            return False  # committed while this looked: all of its series, or none
        present: dict[InstanceRef, str] = {}
        for nonces in refreshed:
            if nonces is None:
                return False
            present |= nonces
        await self._refresh_study(ref)
        await self._refresh_instance_lookups(outbox, present, notes)
        await self._changes.publish((row["PartitionKey"], row["RowKey"]) for row in outbox)
        await self._dirty.settle(await self._settled(notes, outbox, present))
        return True

    async def _outbox(self, series: SeriesRef) -> list[StoredRow]:
        return await self._tables.rows_of(
            instances.TABLE,
            keys.series_key(self._keys.partition, series),
            start=instances.OUTBOX_START,
            select=["PartitionKey", "RowKey", "nonce", "action"],
        )

    async def _settled(
        self, notes: Sequence[Note], outbox: Sequence[StoredRow], present: Mapping[InstanceRef, str]
    ) -> list[Note]:
        """Return those notes whose commit is surely in the summary just written, or surely never came."""
        committed = {row["nonce"] for row in outbox}
        settled = [note for note in notes if note.nonce in committed or note.is_stale]
        # A commit without outbox rows was published before, by a pass that died after; unless it came just now.
        doubtful = [note for note in notes if note not in settled and note.nonce in present.values()]
        if doubtful:
            series = list(dict.fromkeys(note.series for note in doubtful))
            rows = [row for rows in await asyncio.gather(*map(self._outbox, series)) for row in rows]
            fresh = {row["nonce"] for row in rows}
            settled += [note for note in doubtful if note.nonce not in fresh]
        return settled

    async def _refresh_series(self, series: SeriesRef, view: View) -> dict[InstanceRef, str] | None:
        """Write the row of a series; return its instances with their commits, or None after a lost race.

        *view* is its own: what it leaves out was not committed after *before* was read, so a summary that has it in
        stands against this one.
        """
        study_key = keys.study_key(self._keys.partition, series.study)
        before = await self._tables.get(SERIES, study_key, series.series_instance_uid)
        series_key = keys.series_key(self._keys.partition, series)
        rows = [
            row
            async for row in self._tables.query(
                instances.TABLE,
                "PartitionKey eq @key and kind eq @kind",
                {"key": series_key, "kind": INSTANCE},
                select=["RowKey", "nonce", "digest", "risk", SESSION, SESSION_BEFORE],
            )
            if await view.shows(row)
        ]
        row: dict[str, Any] | None = None
        if rows:
            summary = await self._summarised(series, series_key, rows)
            if summary is None:
                return None
            row = {
                "PartitionKey": study_key,
                "RowKey": series.series_instance_uid,
                "row": orjson.dumps(summary).decode(),
                "risk": StudyRisk.of(map(risk_of, rows)).pack(),
            }
            await self._tables.upsert(lookups.TABLE, _keyed(self._keys.series(series)))
        if not await self._replace(SERIES, before, row):
            return None
        if row is None:
            await self._tables.delete(lookups.TABLE, *self._keys.series(series))
        return {
            InstanceRef(series.study_instance_uid, series.series_instance_uid, found["RowKey"]): found[
                "nonce"
            ]
            for found in rows
        }

    async def _summarised(self, series: SeriesRef, series_key: str, rows: Sequence[StoredRow]) -> Json | None:
        """Return the search row of a series, or None if an instance that is read for it has just gone.

        The instances of a series mostly say the same of it; one is read of those that do.
        """
        telling = list({row["digest"]: row["RowKey"] for row in reversed(rows)}.values())[-_MAX_TELLING:]
        found = await asyncio.gather(
            *(self._tables.get(instances.TABLE, series_key, row_key) for row_key in telling)
        )
        records = [await self._rows.to_record(row, series) for row in found if row is not None]
        if len(records) < len(telling):
            return None
        summary = bounded(merge_series(orjson.loads(record.metadata) for record in records))
        return summary | {_INSTANCES_IN_SERIES: {"vr": "IS", "Value": [len(rows)]}}

    async def _refresh_study(self, ref: StudyRef) -> None:
        """Write the row of a study and its lookups.

        Who loses a race may have written lookups over the winner's newer ones, so the loser goes on until it wins.
        """
        for attempt in range(_TRIES):
            if await self._write_study(ref):
                return
            await pause(attempt)
        raise ConcurrentChangeError(f"the summary of study {ref.study_instance_uid} kept changing")

    async def _write_study(self, ref: StudyRef) -> bool:
        study_key = keys.study_key(self._keys.partition, ref)
        before = await self._tables.get(STUDIES, study_key, STUDY_ROW)
        stored = await self._tables.rows_of(SERIES, study_key)
        series_rows: list[Json] = [orjson.loads(row["row"]) for row in stored]
        old_keys = _lookups_of(before)
        row: dict[str, Any] | None = None
        new_keys: list[tuple[str, str]] = []
        if series_rows:
            summary = bounded(merge_study(series_rows))
            text = orjson.dumps(summary).decode()
            new_keys = list(self._keys.of_study(ref, summary))
            row = {
                "PartitionKey": study_key,
                "RowKey": STUDY_ROW,
                "row": text,
                "lookups": orjson.dumps(new_keys).decode(),
                "risk": StudyRisk.merge(risk_of_series(row) for row in stored).pack(),
            }
            # New ones first, the old ones last: a study that is there is found at any moment in between.
            await self._tables.upsert_rows(lookups.TABLE, [_keyed(pair, text) for pair in new_keys])
        if not await self._replace(STUDIES, before, row):
            return False
        gone = old_keys - set(new_keys)
        if not gone:
            return True
        await self._tables.delete_rows(lookups.TABLE, gone)
        # Another writer may have needed them again meanwhile.
        return gone.isdisjoint(_lookups_of(await self._tables.get(STUDIES, study_key, STUDY_ROW)))

    async def _replace(self, table: str, before: StoredRow | None, row: dict[str, Any] | None) -> bool:
        """Write *row* (None: remove it) if what is there is still *before*."""
        if before is None:
            return row is None or await self._tables.insert(table, row)
        if row is None:
            return await self._tables.transact(table, [Change("delete", before, etag_of(before))])
        return await self._tables.transact(table, [Change("update", row, etag_of(before))])

    async def _refresh_instance_lookups(
        self, outbox: Sequence[StoredRow], present: Mapping[InstanceRef, str], notes: Sequence[Note]
    ) -> None:
        """Write the rows that lead from a SOP instance to its series, for the instances that *notes* may mean."""
        nonces = {note.nonce for note in notes}
        changed = {instances.ref_of_outbox(row) for row in outbox}
        # What a session has committed has no nonce until it is published.
        changed |= {ref for ref, nonce in present.items() if not nonce or nonce in nonces}
        await self._tables.upsert_rows(
            lookups.INSTANCE_TABLE,
            [_keyed(self._keys.instance(ref)) for ref in sorted(changed & present.keys())],
        )
        await self._tables.delete_rows(
            lookups.INSTANCE_TABLE, [self._keys.instance(ref) for ref in sorted(changed - present.keys())]
        )


def _lookups_of(study: StoredRow | None) -> set[tuple[str, str]]:
    """Return the keys of the lookups that a study's row says it has."""
    return {(pair[0], pair[1]) for pair in orjson.loads(study["lookups"])} if study is not None else set()


def _keyed(pair: tuple[str, str], text: str = "") -> dict[str, str]:
    partition_key, row_key = pair
    row = {"PartitionKey": partition_key, "RowKey": row_key}
    return row | {"row": text} if text else row
