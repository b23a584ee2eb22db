"""Sessions of storing cases in dictionaries, beside a MemoryCaseIndex. Knows no objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.backends.memory.cases import MemoryCaseIndex
from shared.case_views import in_order
from shared.errors import ConcurrentChangeError
from shared.records import CaseCommit, CaseImage, CaseSession


class MemoryCaseSessions:
    """A CaseSessions whose images are those of *cases*."""

    def __init__(self, cases: MemoryCaseIndex) -> None:
        self._cases = cases
        self.notes: dict[str, CaseSession] = {}
        self.open: set[str] = set()
        self._revision = 0

    async def begin(self, session: CaseSession) -> None:
        """Note a session before anything is written in it."""
        self.notes[session.key] = session
        self.open.add(session.key)

    async def case_of(self, year: str, case_id: str) -> tuple[CaseCommit | None, list[CaseImage]]:
        """Return the commit that a case has, if any, and its images, whether visible or not."""
        return self._cases.commits.get((year, case_id)), in_order(self._cases.all_of(year, case_id))

    async def commit(
        self,
        commit: CaseCommit,
        images: Sequence[CaseImage],
        *,
        seen: CaseCommit | None,
        replaced: Sequence[CaseImage] = (),
    ) -> CaseCommit:
        """Let *images* be the case's; see CaseSessions.commit."""
        session = commit.session
        there = self._cases.commits.get((session.year, session.case_id))
        if session.key not in self.open or (there and there.revision) != (seen and seen.revision):
            raise ConcurrentChangeError("the case was stored by another request, or this one took too long")
        self.open.discard(session.key)
        for image in replaced:
            self._cases.drop(image)
        self._cases.keep(images)
        return self._write(commit)

    async def finish(self, commit: CaseCommit) -> None:
        """Let the case be visible; see CaseSessions.finish."""
        there = self._cases.commits.get((commit.session.year, commit.session.case_id))
        if there is None or there.session.key != commit.session.key:
            raise ConcurrentChangeError("the case was stored by another request")
        self._write(replace(there, done=True, report=""))

    async def retract(self, commit: CaseCommit, images: Sequence[CaseImage]) -> None:
        """Undo a commit that was not finished."""
        for image in images:
            self._cases.drop(image)
        self._cases.commits.pop((commit.session.year, commit.session.case_id), None)

    async def withdraw(self, session: CaseSession) -> None:
        """Make sure that a session cannot be committed any more."""
        self.open.discard(session.key)

    async def forget(self, session: CaseSession) -> None:
        """Forget the note of a session."""
        self.notes.pop(session.key, None)

    async def begun_before(self, moment: datetime) -> list[CaseSession]:
        """Return the sessions that are noted since before *moment*, the oldest first."""
        noted = [session for session in self.notes.values() if session.begun_at < moment]
        return sorted(noted, key=lambda session: session.begun_at)

    def _write(self, commit: CaseCommit) -> CaseCommit:
        self._revision += 1
        written = replace(commit, revision=str(self._revision))
        self._cases.commits[commit.session.year, commit.session.case_id] = written
        return written
