"""Which object serves a SOP instance: the changes of rows that follow from the rows there are. Does no I/O."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.backends.azure_table import keys
from shared.backends.azure_table.dirty import Note
from shared.backends.azure_table.entities import StoredRow, etag_of
from shared.backends.azure_table.rows import (
    INSTANCE,
    OUTBOX,
    SPARE,
    Claim,
    claim_of_record,
    claim_of_row,
    overflow_of,
)
from shared.backends.azure_table.transactions import Change
from shared.dicom.references import InstanceRef
from shared.records import ChangeAction, InstanceRecord, PutOutcome

OUTBOX_START = "~"
"""Row keys of instances and spares are below this, those of outbox rows above."""


@dataclass(frozen=True, slots=True)
class Claims:
    """All rows of one SOP instance as they were read."""

    serving: StoredRow | None
    spares: list[StoredRow]

    @property
    def rows(self) -> list[StoredRow]:
        """Every row, the serving one first, the others in the order in which they would follow it."""
        spares = sorted(self.spares, key=claim_of_row)
        return spares if self.serving is None else [self.serving, *spares]

    def row_of(self, claim: Claim) -> StoredRow | None:
        """Return the row of the same object, if there is one."""
        return next((row for row in self.rows if claim_of_row(row).key == claim.key), None)

    def version(self) -> int:
        """Return a version above the serving row's, near the present in microseconds."""
        now = time.time_ns() // 1000
        return now if self.serving is None else max(now, int(self.serving["version"]) + 1)

    def dropped_by(self, changes: Iterable[Change]) -> set[str]:
        """Return the names of overflow objects that no row names any more once *changes* are made."""
        rows: dict[str, Mapping[str, Any]] = {row["RowKey"]: row for row in self.rows}
        for change in changes:
            if change.kind == "delete":
                rows.pop(change.row["RowKey"], None)
            else:
                rows[change.row["RowKey"]] = change.row
        kept = {name for row in rows.values() for name in overflow_of(row)}
        return {name for row in self.rows for name in overflow_of(row)} - kept


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A record that is to be put, and the properties of its row, its overflow written already."""

    record: InstanceRecord
    properties: Mapping[str, Any]


class ClaimRows:
    """Plans the changes of one data partition's rows."""

    def __init__(self, partition: str) -> None:
        self._partition = partition

    def insert(self, new: NewClaim, version: int, note: Note) -> list[Change]:
        """Return the changes by which a SOP instance that is not there begins to be served."""
        row = self.row(new, new.record.ref.sop_instance_uid, INSTANCE, version) | {"nonce": note.nonce}
        return [Change("insert", row), self._outbox(new.record.ref, ChangeAction.CREATE, version, note)]

    def put(
        self, new: NewClaim, claims: Claims, note: Note, *, if_absent: bool, again: bool
    ) -> tuple[PutOutcome, list[Change]]:
        """Return what putting *new* is, and the changes it takes."""
        ref, claim, serving = new.record.ref, claim_of_record(new.record), claims.serving
        own = claims.row_of(claim)
        if own is not None and claim_of_row(own) == claim and claim_of_row(own).etag == claim.etag:
            outcome = PutOutcome.SPARE if own["kind"] == SPARE else PutOutcome.UNCHANGED
            return outcome, [self._rewrite(new, own, claims, note)] if again else []
        version = claims.version()
        if serving is None:
            return PutOutcome.CREATED, self.insert(new, version, note)
        if if_absent and serving is not own:
            return PutOutcome.EXISTS, []
        rival = next((row for row in claims.rows if row is not own), None)
        if rival is None or claim < claim_of_row(rival):
            return PutOutcome.UPDATED, self._replace(new, claims, own, version, note)
        spare = self.row(new, keys.spare_row(ref.sop_instance_uid, str(claim.key)), SPARE, version)
        changes = [Change("upsert", spare)]
        if own is serving:
            changes += self._promote(rival, ref, note, serving, version)
        else:
            # Rewritten as it is, so that this fails if another claim begins to serve meanwhile.
            changes.append(Change("update", dict(serving), etag_of(serving)))
        return PutOutcome.SPARE, changes

    def remove(self, ref: InstanceRef, own: StoredRow, claims: Claims, note: Note) -> list[Change]:
        """Return the changes by which *own*, one of *claims*, goes; if it serves, the next spare takes its place."""
        if own is not claims.serving:
            return [Change("delete", own, etag_of(own))]
        version = claims.version()
        if len(claims.rows) > 1:
            return self._promote(claims.rows[1], ref, note, own, version)
        return [
            Change("delete", own, etag_of(own)),
            self._outbox(ref, ChangeAction.DELETE, version, note),
        ]

    def _replace(
        self, new: NewClaim, claims: Claims, own: StoredRow | None, version: int, note: Note
    ) -> list[Change]:
        """Return the changes by which *new* serves in place of what serves now, which becomes a spare."""
        ref, serving = new.record.ref, claims.serving
        if serving is None:
            return []
        row = self.row(new, ref.sop_instance_uid, INSTANCE, version) | {"nonce": note.nonce}
        changes = [
            Change("update", row, etag_of(serving)),
            self._outbox(ref, ChangeAction.UPDATE, version, note),
        ]
        if own is not serving:
            key = keys.spare_row(ref.sop_instance_uid, str(claim_of_row(serving).key))
            changes.append(Change("upsert", {**serving, "RowKey": key, "kind": SPARE}))
        if own is not None and own is not serving:
            changes.append(Change("delete", own, etag_of(own)))
        return changes

    def _rewrite(self, new: NewClaim, own: StoredRow, claims: Claims, note: Note) -> Change:
        """Return the change by which a claim is kept as it is, with what is known of its object made anew."""
        row = self.row(new, own["RowKey"], own["kind"], claims.version())
        return Change("update", row | ({"nonce": note.nonce} if own is claims.serving else {}), etag_of(own))

    def _promote(
        self, spare: StoredRow, ref: InstanceRef, note: Note, serving: StoredRow, version: int
    ) -> list[Change]:
        row = {
            **spare,
            "RowKey": ref.sop_instance_uid,
            "kind": INSTANCE,
            "version": str(version),
            "nonce": note.nonce,
        }
        return [
            Change("update", row, etag_of(serving)),
            Change("delete", spare, etag_of(spare)),
            self._outbox(ref, ChangeAction.UPDATE, version, note),
        ]

    def row(self, new: NewClaim, row_key: str, kind: str, version: int) -> dict[str, Any]:
        """Return the row of a claim, all but its commit."""
        return {
            **new.properties,
            "PartitionKey": keys.series_key(self._partition, new.record.ref.series),
            "RowKey": row_key,
            "kind": kind,
            "version": str(version),
        }

    def created(self, ref: InstanceRef, version: int, note: Note) -> Change:
        """Return the change by which the feed is told that a SOP instance began to be served."""
        return self._outbox(ref, ChangeAction.CREATE, version, note)

    def _outbox(self, ref: InstanceRef, action: ChangeAction, version: int, note: Note) -> Change:
        row = {
            "PartitionKey": keys.series_key(self._partition, ref.series),
            "RowKey": f"{OUTBOX_START}{version:020d}!{ref.sop_instance_uid}",
            "kind": OUTBOX,
            "action": action.value,
            "nonce": note.nonce,
        }
        return Change("insert", row)
