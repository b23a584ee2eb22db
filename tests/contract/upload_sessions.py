"""What every UploadSessions does, beside the InstanceIndex whose instances it hides and shows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.dicom.references import SeriesRef, StudyRef
from shared.errors import ConcurrentChangeError, InstanceNotFoundError
from shared.ports.sessions import Fate, UploadSessions
from shared.records import ChangeAction, InstanceRecord, PutOutcome
from tests.contract.records import a_record, an_instance, fresh_name

type OpenSessions = Callable[[], tuple[UploadSessions, Any, Callable[[StudyRef], Any]]]
"""Makes sessions and index of one empty data partition, and what reads the feed of a study."""

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def a_study(study: str, series: int = 2, instances: int = 3) -> dict[SeriesRef, list[InstanceRecord]]:
    """Return records of a study by series."""
    return {
        SeriesRef(study, f"{study}.{number}"): [
            a_record(an_instance(study, f"{study}.{number}", f"{study}.{number}.{one}"))
            for one in range(1, instances + 1)
        ]
        for number in range(1, series + 1)
    }


async def seen(index: Any, study: str) -> list[str]:
    """Return what a reader of a study is given."""
    return [record.ref.sop_instance_uid async for record in index.instances_of(StudyRef(study))]


class UploadSessionsContract:
    """An adapter's test file overrides one fixture."""

    @pytest.fixture
    def open_sessions(self) -> OpenSessions:
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _name(self) -> None:
        self._suffix = fresh_name("")

    def named(self, name: str) -> str:
        """Return the name of a session that no other test has."""
        return name + self._suffix

    async def test_a_study_is_seen_as_a_whole_or_not_at_all(self, open_sessions: OpenSessions) -> None:
        """Nothing of it before the commit, by any way of reading; all of it right after, published or not."""
        sessions, index, feed = open_sessions()
        study = a_study("1.2.1")
        records = [record for series in study.values() for record in series]
        for series in study.values():
            assert await sessions.stage(self.named("s"), series) == [PutOutcome.CREATED] * 3
            assert await sessions.stage(self.named("s"), series) == [PutOutcome.UNCHANGED] * 3
        assert await seen(index, "1.2.1") == []
        assert [claim async for claim in index.claims_in(StudyRef("1.2.1"))] == []
        assert [claim async for claim in index.scan()] == []
        for record in records:
            with pytest.raises(InstanceNotFoundError):
                await index.get(record.ref)
            assert [key async for key in index.claims_of(record.ref)] == []
            assert [one async for one in index.versions_of(record.ref)] == []
        assert await feed(StudyRef("1.2.1")) == []

        assert await sessions.fate(self.named("s")) is Fate.OPEN
        assert await sessions.commit(self.named("s"), list(study))
        assert await sessions.commit(self.named("s"), list(study))
        assert await sessions.fate(self.named("s")) is Fate.COMMITTED
        assert await seen(index, "1.2.1") == [record.ref.sop_instance_uid for record in records]
        for record in records:
            assert (await index.get(record.ref)).location == record.location

        for _ in range(2):
            for ref in study:
                await sessions.publish(self.named("s"), ref)
        assert await seen(index, "1.2.1") == [record.ref.sop_instance_uid for record in records]
        changes = await feed(StudyRef("1.2.1"))
        assert sorted(changes) == sorted(
            (ChangeAction.CREATE.value, record.ref.sop_instance_uid) for record in records
        )

    async def test_a_withdrawn_session_leaves_nothing(self, open_sessions: OpenSessions) -> None:
        """It cannot commit, and what it had staged can be stored by others."""
        sessions, index, feed = open_sessions()
        study = a_study("1.2.2", series=1)
        [(ref, records)] = study.items()
        await sessions.stage(self.named("gone"), records)
        assert await sessions.withdraw(self.named("gone"))
        assert not await sessions.commit(self.named("gone"), [ref])
        assert await seen(index, "1.2.2") == []
        # One that others put meanwhile, and the rest by the session's own hand.
        assert await index.put(records[:1], if_absent=True) == [PutOutcome.CREATED]
        await sessions.unstage(self.named("gone"), ref)
        await sessions.unstage(self.named("gone"), ref)
        assert await seen(index, "1.2.2") == [records[0].ref.sop_instance_uid]
        assert len(await feed(StudyRef("1.2.2"))) == 1

    async def test_a_committed_session_is_not_withdrawn(self, open_sessions: OpenSessions) -> None:
        """Of both at once, one is true, and it stays so."""
        sessions, _, _ = open_sessions()
        assert await sessions.commit(self.named("kept"), [])
        assert not await sessions.withdraw(self.named("kept"))
        outcomes = await asyncio.gather(
            sessions.commit(self.named("both"), []), sessions.withdraw(self.named("both"))
        )
        assert sorted(outcomes) == [False, True]

    async def test_what_another_serves_is_not_staged(self, open_sessions: OpenSessions) -> None:
        """And what an open session holds, nobody else can put or stage."""
        sessions, index, _ = open_sessions()
        [records] = a_study("1.2.3", series=1).values()
        there = a_record(records[0].ref)
        assert await index.put([there]) == [PutOutcome.CREATED]
        assert await sessions.stage(self.named("s"), records) == [
            PutOutcome.EXISTS,
            PutOutcome.CREATED,
            PutOutcome.CREATED,
        ]
        with pytest.raises(ConcurrentChangeError):
            await index.put(records[1:2], if_absent=True)
        with pytest.raises(ConcurrentChangeError):
            await sessions.stage(self.named("other"), records[1:2])
        assert await seen(index, "1.2.3") == ["1.2.3.1.1"]

    async def test_a_committed_instance_can_be_removed_before_it_is_published(
        self, open_sessions: OpenSessions
    ) -> None:
        """The feed has its coming before its going."""
        sessions, index, feed = open_sessions()
        [(ref, records)] = a_study("1.2.4", series=1, instances=1).items()
        await sessions.stage(self.named("s"), records)
        await sessions.commit(self.named("s"), [ref])
        assert await index.remove(records[0].ref, records[0].location.key)
        await sessions.publish(self.named("s"), ref)
        assert await seen(index, "1.2.4") == []
        assert [action for action, _ in await feed(StudyRef("1.2.4"))] == ["create", "delete"]

    async def test_unfinished_sessions_are_noted(self, open_sessions: OpenSessions) -> None:
        """Those from before the moment, until they are forgotten."""
        sessions, _, _ = open_sessions()
        await sessions.begin(self.named("a1"), AT)
        await sessions.begin(self.named("a2"), AT + timedelta(hours=1))
        later = AT + timedelta(days=1)
        assert {self.named("a1"), self.named("a2")} <= set(await sessions.unfinished(later))
        assert self.named("a2") not in await sessions.unfinished(AT + timedelta(minutes=1))
        await sessions.forget(self.named("a1"))
        await sessions.forget(self.named("a1"))
        assert self.named("a1") not in await sessions.unfinished(later)

    async def test_a_session_knows_its_own_after_it_was_published(self, open_sessions: OpenSessions) -> None:
        """Staged again by a second go, it is as it was, and not taken for another's."""
        sessions, index, feed = open_sessions()
        [(ref, records)] = a_study("1.2.5", series=1).items()
        name = self.named("s")
        await sessions.stage(name, records)
        await sessions.commit(name, [ref])
        for _ in range(2):
            assert await sessions.stage(name, records) == [PutOutcome.UNCHANGED] * 3
            await sessions.publish(name, ref)
        assert len(await seen(index, "1.2.5")) == len(await feed(StudyRef("1.2.5"))) == 3
