"""CaseSessions on the table `cases`: an open session and a commit are rows of their case, so both change at once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.backends.azure_table import keys
from shared.backends.azure_table.case_rows import COMMIT, TABLE, commit_of, image_row, images_in
from shared.backends.azure_table.entities import StoredRow
from shared.backends.azure_table.tables import Tables
from shared.backends.azure_table.transactions import Change
from shared.case_views import in_order
from shared.errors import ConcurrentChangeError
from shared.records import CaseCommit, CaseImage, CaseSession


class AzureTableCaseSessions:
    """The sessions of one data partition. Their notes share a partition of the table, which no case can have."""

    def __init__(self, tables: Tables, partition: str) -> None:
        self._tables = tables
        self._partition = keys.partition_name(partition)
        self._notes = f"{self._partition}!!!sessions"

    async def begin(self, session: CaseSession) -> None:
        """Note a session before anything is written in it: the note first, for it leads to the rest."""
        facts = {"year": session.year, "id": session.case_id, "begun_at": session.begun_at.isoformat()}
        await self._tables.upsert(TABLE, {"PartitionKey": self._notes, "RowKey": session.key, **facts})
        await self._tables.upsert(TABLE, self._open(session))

    async def case_of(self, year: str, case_id: str) -> tuple[CaseCommit | None, list[CaseImage]]:
        """Return the commit that a case has, if any, and its images, whether visible or not."""
        rows = await self._tables.rows_of(TABLE, keys.case_key(self._partition, year, case_id))
        return commit_of(rows), in_order(images_in(rows))

    async def commit(
        self,
        commit: CaseCommit,
        images: Sequence[CaseImage],
        *,
        seen: CaseCommit | None,
        replaced: Sequence[CaseImage] = (),
    ) -> CaseCommit:
        """Let *images* be the case's, in one transaction; see CaseSessions.commit."""
        row = self._row(commit)
        changes = [Change("insert", row) if seen is None else Change("update", row, seen.revision)]
        changes.append(Change("delete", self._open(commit.session)))
        kept = {image.key for image in images}
        changes += [
            Change("delete", _keys(image_row(self._partition, image)))
            for image in replaced
            if image.key not in kept
        ]
        changes += [
            Change("upsert", image_row(self._partition, image) | {"session": commit.session.key})
            for image in images
        ]
        revision = await self._tables.transact_for_etag(TABLE, changes)
        if revision is None:
            raise ConcurrentChangeError("the case was stored by another request, or this one took too long")
        return CaseCommit(
            commit.session, commit.report, commit.fingerprint, commit.previous, commit.done, revision
        )

    async def finish(self, commit: CaseCommit) -> None:
        """Let the case be visible; see CaseSessions.finish."""
        done = CaseCommit(commit.session, "", commit.fingerprint, commit.previous, done=True)
        if await self._tables.transact(TABLE, [Change("update", self._row(done), commit.revision)]):
            return
        there, _ = await self.case_of(commit.session.year, commit.session.case_id)
        if there is None or there.session.key != commit.session.key or not there.done:
            raise ConcurrentChangeError("the case was stored by another request")

    async def retract(self, commit: CaseCommit, images: Sequence[CaseImage]) -> None:
        """Undo a commit that was not finished."""
        rows = [self._row(commit), *(image_row(self._partition, image) for image in images)]
        await self._tables.delete_rows(TABLE, [(row["PartitionKey"], row["RowKey"]) for row in rows])

    async def withdraw(self, session: CaseSession) -> None:
        """Make sure that a session cannot be committed any more."""
        row = self._open(session)
        await self._tables.delete(TABLE, row["PartitionKey"], row["RowKey"])

    async def forget(self, session: CaseSession) -> None:
        """Forget the note of a session."""
        await self._tables.delete(TABLE, self._notes, session.key)

    async def begun_before(self, moment: datetime) -> list[CaseSession]:
        """Return the sessions that are noted since before *moment*, the oldest first."""
        noted = [_session(row["RowKey"], row) for row in await self._tables.rows_of(TABLE, self._notes)]
        return sorted(
            (session for session in noted if session.begun_at < moment), key=lambda session: session.begun_at
        )

    def _case(self, session: CaseSession) -> str:
        return keys.case_key(self._partition, session.year, session.case_id)

    def _open(self, session: CaseSession) -> dict[str, Any]:
        return {"PartitionKey": self._case(session), "RowKey": f"!session!{session.key}"}

    def _row(self, commit: CaseCommit) -> dict[str, Any]:
        session = commit.session
        return {
            "PartitionKey": self._case(session),
            "RowKey": COMMIT,
            "year": session.year,
            "id": session.case_id,
            "begun_at": session.begun_at.astimezone(UTC).isoformat(),
            "session": session.key,
            "report": commit.report,
            "fingerprint": commit.fingerprint,
            "previous": commit.previous,
            "done": commit.done,
        }


def _keys(row: dict[str, Any]) -> dict[str, Any]:
    return {"PartitionKey": row["PartitionKey"], "RowKey": row["RowKey"]}


def _session(key: str, row: StoredRow) -> CaseSession:
    return CaseSession(key, row["year"], row["id"], datetime.fromisoformat(row["begun_at"]))
