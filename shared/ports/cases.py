"""What the product needs of the world for clinical cases; shared.ports.archive says how ports are made.

Like those, these are bound to one data partition, but for the reports, whose table is the forerunner's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from shared.records import (
    CaseCommit,
    CaseImage,
    CaseQuery,
    CaseSession,
    CaseSummary,
    Checkpoint,
    ObjectKey,
    ReportMigration,
)


class CaseIndex(Protocol):
    """Images by clinical case, and the list of cases, which follows from them before a call returns."""

    async def put(self, images: Sequence[CaseImage]) -> list[bool]:
        """Remember images of one case; tell of each whether an image of its view comes before it, by object key."""
        ...

    async def remove(self, year: str, case_id: str, view: str, key: ObjectKey) -> None:
        """Forget an image; that it is unknown is no error."""
        ...

    async def images_of(self, year: str, case_id: str) -> list[CaseImage]:
        """Return the images of exactly this case, by (view, object key).

        Raises:
            CaseBeingStoredError: It is just being stored: neither all nor none of it is there.
        """
        ...

    async def note_report(self, year: str, case_id: str, *, present: bool) -> None:
        """Remember for the list whether the case has a report."""
        ...

    async def page(self, query: CaseQuery) -> list[CaseSummary]:
        """Return up to *query.limit* cases; the rows read are in proportion to those returned."""
        ...


class Reports(Protocol):
    """The text reports of clinical cases: some written by others, where they like, some by this archive."""

    async def get(self, year: str, case_id: str) -> str | None:
        """Return the report of exactly this case, or None."""
        ...

    async def put(self, year: str, case_id: str, text: str, *, if_absent: bool = False) -> None:
        """Write the report of a case.

        Raises:
            ObjectExistsError: *if_absent* is set and there is one, or its place is taken by another case's.
        """
        ...

    async def migrate(self, after: str, limit: int) -> ReportMigration:
        """Move up to *limit* reports that others wrote to where they are found by key.

        Once the end was reached, a report that is missing is no longer looked for among the others.

        Args:
            after: Where the last page ended; empty to begin.
            limit: Most reports to look at.
        """
        ...


class Checkpoints(Protocol):
    """How far long pieces of work have come, by their names."""

    async def get(self, name: str) -> Checkpoint | None:
        """Return the checkpoint of this name, if there is one."""
        ...

    async def put(self, name: str, value: str, *, seen: Checkpoint | None) -> Checkpoint:
        """Write a checkpoint if there still is the one *seen* (None: none).

        Raises:
            ConcurrentChangeError: There is another by now.
        """
        ...

    async def remove(self, name: str) -> None:
        """Forget a checkpoint; that it is absent is no error."""
        ...


class CaseSessions(Protocol):
    """Cases stored as a whole: nothing of a session is visible before it is committed and finished."""

    async def begin(self, session: CaseSession) -> None:
        """Note a session before anything is written in it."""
        ...

    async def case_of(self, year: str, case_id: str) -> tuple[CaseCommit | None, list[CaseImage]]:
        """Return the commit that a case has, if any, and its images, whether visible or not."""
        ...

    async def commit(
        self,
        commit: CaseCommit,
        images: Sequence[CaseImage],
        *,
        seen: CaseCommit | None,
        replaced: Sequence[CaseImage] = (),
    ) -> CaseCommit:
        """Let *images* be the case's in place of those *replaced*, all at once; they are hidden until it is finished.

        Raises:
            ConcurrentChangeError: The session was withdrawn, or the case has another commit than *seen* by now.
        """
        ...

    async def finish(self, commit: CaseCommit) -> None:
        """Let the case be visible. That it is already is no error.

        Raises:
            ConcurrentChangeError: It was retracted or replaced.
        """
        ...

    async def retract(self, commit: CaseCommit, images: Sequence[CaseImage]) -> None:
        """Undo a commit that was not finished."""
        ...

    async def withdraw(self, session: CaseSession) -> None:
        """Make sure that a session cannot be committed any more."""
        ...

    async def forget(self, session: CaseSession) -> None:
        """Forget the note of a session."""
        ...

    async def begun_before(self, moment: datetime) -> list[CaseSession]:
        """Return the sessions that are noted since before *moment*, the oldest first."""
        ...
