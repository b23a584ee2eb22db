"""What every CaseSessions does, beside the CaseIndex whose cases it stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.case_views import VIEWS
from shared.errors import CaseBeingStoredError, ConcurrentChangeError
from shared.ports.cases import CaseIndex, CaseSessions
from shared.records import CaseCommit, CaseImage, CaseSession
from tests.contract.cases import an_image

type OpenCases = Callable[[], tuple[CaseIndex, CaseSessions]]
"""Makes both of one empty data partition."""

AT = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def a_session(key: str, case_id: str = "7", minutes: int = 0) -> CaseSession:
    """Return a session of 2024."""
    return CaseSession(key, "2024", case_id, AT + timedelta(minutes=minutes))


def a_commit(session: CaseSession, previous: str = "") -> CaseCommit:
    """Return a commit with a report."""
    return CaseCommit(session, "text 'of' Ä", f"print of {session.key}", previous)


def images_of(session: str) -> list[CaseImage]:
    """Return the images that a session writes, in order."""
    return [an_image(view, f"{session}/{view}") for view in VIEWS]


class CaseSessionsContract:
    """An adapter's test file overrides one fixture."""

    @pytest.fixture
    def open_cases(self) -> OpenCases:
        raise NotImplementedError

    async def test_a_case_is_hidden_until_it_is_finished(self, open_cases: OpenCases) -> None:
        """All of its images come at once; in between one is told to ask again, and is shown no part."""
        cases, sessions = open_cases()
        session = a_session("one")
        await sessions.begin(session)
        assert await sessions.case_of("2024", "7") == (None, [])
        assert await cases.images_of("2024", "7") == []
        commit = await sessions.commit(a_commit(session), images_of("one"), seen=None)
        assert await sessions.case_of("2024", "7") == (a_commit(session), images_of("one"))
        with pytest.raises(CaseBeingStoredError):
            await cases.images_of("2024", "7")
        assert await cases.images_of("2024", "70") == []
        await sessions.finish(commit)
        await sessions.finish(commit)
        assert await cases.images_of("2024", "7") == images_of("one")
        done, _ = await sessions.case_of("2024", "7")
        assert done == replace(a_commit(session), report="", done=True)

    async def test_a_session_that_was_withdrawn_cannot_commit(self, open_cases: OpenCases) -> None:
        """Nor can one that was never begun, or has committed already."""
        cases, sessions = open_cases()
        withdrawn, unknown = a_session("withdrawn"), a_session("unknown")
        await sessions.begin(withdrawn)
        await sessions.withdraw(withdrawn)
        await sessions.withdraw(withdrawn)
        for session in (withdrawn, unknown):
            with pytest.raises(ConcurrentChangeError):
                await sessions.commit(a_commit(session), images_of(session.key), seen=None)
        assert await cases.images_of("2024", "7") == []

    async def test_of_two_sessions_one_commits(self, open_cases: OpenCases) -> None:
        """The other finds what it did not see, and leaves nothing."""
        cases, sessions = open_cases()
        one, two = a_session("one"), a_session("two")
        for session in (one, two):
            await sessions.begin(session)
        commit = await sessions.commit(a_commit(one), images_of("one"), seen=None)
        with pytest.raises(ConcurrentChangeError):
            await sessions.commit(a_commit(two), images_of("two"), seen=None)
        await sessions.finish(commit)
        assert await cases.images_of("2024", "7") == images_of("one")

    async def test_a_session_replaces_another(self, open_cases: OpenCases) -> None:
        """Its images come and the others go at once; who finishes the older commit is told."""
        cases, sessions = open_cases()
        one, two = a_session("one"), a_session("two")
        await sessions.begin(one)
        first = await sessions.commit(a_commit(one), images_of("one"), seen=None)
        await sessions.finish(first)
        seen, own = await sessions.case_of("2024", "7")
        await sessions.begin(two)
        with pytest.raises(ConcurrentChangeError):
            await sessions.commit(a_commit(two, "one"), images_of("two"), seen=first, replaced=own)
        commit = await sessions.commit(a_commit(two, "one"), images_of("two"), seen=seen, replaced=own)
        with pytest.raises(ConcurrentChangeError):
            await sessions.finish(first)
        await sessions.finish(commit)
        assert await cases.images_of("2024", "7") == images_of("two")

    async def test_a_commit_can_be_taken_back(self, open_cases: OpenCases) -> None:
        """The case is then as if it had never been stored."""
        cases, sessions = open_cases()
        session = a_session("one")
        await sessions.begin(session)
        commit = await sessions.commit(a_commit(session), images_of("one"), seen=None)
        await sessions.retract(commit, images_of("one"))
        assert await sessions.case_of("2024", "7") == (None, [])
        assert await cases.images_of("2024", "7") == []

    async def test_sessions_are_noted_until_they_are_forgotten(self, open_cases: OpenCases) -> None:
        """The oldest first, and only those from before the moment; a commit forgets none."""
        _, sessions = open_cases()
        noted = [a_session(f"s{minutes}", f"odd ' / # {minutes}", minutes) for minutes in (0, 1, 2)]
        for session in reversed(noted):
            await sessions.begin(session)
        assert await sessions.begun_before(AT + timedelta(minutes=2)) == noted[:2]
        await sessions.forget(noted[0])
        await sessions.forget(noted[0])
        assert await sessions.begun_before(AT + timedelta(days=1)) == noted[1:]
