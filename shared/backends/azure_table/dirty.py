"""Which studies are due for a new summary: one row a commit, written before it, so that no crash hides a change.

A row is removed by whoever has summarised its commit. A commit is known by the outbox rows and instance rows that
carry its nonce. The row of a commit that never came (its writer died) goes after STALE.
"""

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from shared.backends.azure_table import keys
from shared.backends.azure_table.tables import Tables
from shared.dicom.references import SeriesRef, StudyRef

TABLE = "studies"
STALE = timedelta(minutes=15)
"""Longer than any invocation may run, so that no writer is alive that has noted and not committed."""

_MAX_NOTES = 5000
"""Read at once, for every search reads them; more are there only while more come in than can be summarised."""


@dataclass(frozen=True, slots=True)
class Note:
    """That a series has changed or is about to."""

    series: SeriesRef
    nonce: str
    """Milliseconds since 1970 and a random part, in hexadecimal: notes sort by age."""

    @property
    def is_stale(self) -> bool:
        """Whether the writer must be gone by now."""
        return time.time() - int(self.nonce[:12], 16) / 1000 > STALE.total_seconds()


class Dirty:
    """The notes of one data partition."""

    def __init__(self, tables: Tables, partition: str) -> None:
        self._tables = tables
        self._partition = partition

    def _row_key(self, note: Note) -> str:
        ref = note.series
        return keys.checked(
            f"{self._partition}!{ref.study_instance_uid}!{ref.series_instance_uid}!{note.nonce}"
        )

    async def note(self, series: SeriesRef) -> Note:
        """Note that *series* is about to change."""
        note = Note(series, f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}")
        await self._tables.insert(
            TABLE,
            {"PartitionKey": keys.dirty_shard(series.study_instance_uid), "RowKey": self._row_key(note)},
        )
        return note

    async def of_study(self, study: StudyRef) -> list[Note]:
        """Return the notes of one study."""
        start = f"{self._partition}!{study.study_instance_uid}!"
        rows = await self._tables.rows_of(
            TABLE,
            keys.dirty_shard(study.study_instance_uid),
            start=start,
            end=start[:-1] + keys.AFTER_JOIN,
            select=["RowKey"],
        )
        return [_note(row["RowKey"]) for row in rows]

    async def all(self) -> list[Note]:
        """Return the notes of all studies, oldest first; of very many, the first that are found."""
        filters = "PartitionKey ge @low and PartitionKey lt @high and RowKey ge @start and RowKey lt @end"
        parameters = {
            "low": "dirty!",
            "high": "dirty" + keys.AFTER_JOIN,
            "start": f"{self._partition}!",
            "end": self._partition + keys.AFTER_JOIN,
        }
        notes: list[Note] = []
        async for row in self._tables.query(TABLE, filters, parameters, select=["RowKey"]):
            notes.append(_note(row["RowKey"]))
            if len(notes) == _MAX_NOTES:
                break
        return sorted(notes, key=lambda note: note.nonce)

    async def settle(self, notes: Iterable[Note]) -> None:
        """Remove notes whose commit has been summarised, or never came."""
        await self._tables.delete_rows(
            TABLE, [(keys.dirty_shard(note.series.study_instance_uid), self._row_key(note)) for note in notes]
        )


def _note(row_key: str) -> Note:
    _, study_instance_uid, series_instance_uid, nonce = row_key.split("!")
    return Note(SeriesRef(study_instance_uid, series_instance_uid), nonce)
