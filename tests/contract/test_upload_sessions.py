"""UploadSessions in memory and on Azurite's tables, and what readers of tables pay for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import pytest

from shared.backends.azure_table.entities import Row
from shared.backends.azure_table.tables import Tables
from shared.backends.azure_table.transactions import Change
from shared.backends.memory.index import MemoryIndex
from shared.backends.memory.sessions import MemorySessions
from shared.dicom.query import Query
from shared.dicom.references import StudyRef
from shared.errors import BackendUnavailableError
from shared.ports.archive import ChangeFeed
from shared.records import Change as Entry
from tests.contract.counted_requests import CountedArchive, counted_archive
from tests.contract.records import fresh_name
from tests.contract.table_archive import bound, table_service
from tests.contract.upload_sessions import OpenSessions, UploadSessionsContract, a_study, seen

type Entries = list[tuple[str, str]]


async def entries(feed: ChangeFeed, partition: str, study: StudyRef) -> Entries:
    """Return actions and instances of a study's entries, in their order."""
    changes: list[Entry] = []
    while page := await feed.changes(changes[-1].sequence if changes else 0, 200):
        changes += page
    return [
        (change.action.value, change.ref.sop_instance_uid)
        for change in changes
        if change.partition == partition and change.ref.study == study
    ]


class TestMemorySessions(UploadSessionsContract):
    """MemorySessions."""

    @pytest.fixture
    def open_sessions(self) -> OpenSessions:
        def open_sessions() -> tuple[MemorySessions, MemoryIndex, object]:
            index = MemoryIndex()

            async def feed(study: StudyRef) -> Entries:
                return await entries(index.feed, index.partition, study)

            return MemorySessions(index), index, feed

        return open_sessions  # type: ignore[return-value]  # the feed is an async function


@pytest.mark.azurite
class TestAzureTableSessions(UploadSessionsContract):
    """AzureTableSessions, each reader a process of its own."""

    @pytest.fixture
    async def open_sessions(self, azurite: str) -> AsyncIterator[OpenSessions]:
        async with table_service(azurite) as service:
            partition = fresh_name("sessions")
            tables = Tables(service)
            writer, reader = await bound(tables, partition), await bound(tables, partition)

            async def feed(study: StudyRef) -> Entries:
                await reader.summaries.refresh(study)
                return await entries(reader.changes, partition, study)

            yield lambda: (writer.sessions, reader.instances, feed)


@pytest.fixture
async def archive(azurite: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CountedArchive]:
    """Give a partition of its own, counted."""
    async with counted_archive(azurite, fresh_name("sessions"), monkeypatch) as opened:
        yield opened


def query(level: str, study: str = "") -> Query:
    """Return a search of all studies, or of what lies in one."""
    return Query(level=level, within=StudyRef(study) if study else None, limit=100)  # type: ignore[arg-type]


async def found(archive: CountedArchive, study: str) -> tuple[int, int, int]:
    """Return how many studies, series and instances searches find."""
    search = archive.archive.search
    studies = [
        row for row in (await search.search(query("study"))).rows if row["0020000D"]["Value"] == [study]
    ]
    series = (await search.search(query("series", study))).rows
    instances = (await search.search(query("instance", study))).rows
    return len(studies), len(series), len(instances)


@pytest.mark.azurite
async def test_searches_find_all_of_a_session_or_nothing(archive: CountedArchive) -> None:
    """By study, series and instance, right after the commit, before anything was published."""
    study = a_study("1.3.1")
    for records in study.values():
        await archive.archive.sessions.stage("f1", records)
    assert await found(archive, "1.3.1") == (0, 0, 0)
    await archive.archive.sessions.commit("f1", list(study))
    assert await found(archive, "1.3.1") == (1, 2, 6)
    for series in study:
        await archive.archive.sessions.publish("f1", series)
    assert await found(archive, "1.3.1") == (1, 2, 6)
    await archive.archive.summaries.refresh(StudyRef("1.3.1"))
    assert await archive.archive.summaries.due(10) == []


@pytest.mark.azurite
@pytest.mark.parametrize("published", [False, True])
async def test_an_answer_that_was_begun_before_the_commit_shows_nothing_of_it(
    archive: CountedArchive, *, published: bool
) -> None:
    """A study that is read while it is committed, and published, is not half in the answer."""
    name = f"1.3.2.{int(published)}"
    study = a_study(name, instances=1000)
    for records in study.values():
        await archive.archive.sessions.stage(name, records)
    reading = archive.archive.instances.instances_of(StudyRef(name))
    there = a_study(name, series=1, instances=1001)
    await archive.archive.instances.put(next(iter(there.values()))[1000:])
    first = await anext(reading)
    assert first.ref.sop_instance_uid == f"{name}.1.1001"
    await archive.archive.sessions.commit(name, list(study))
    if published:
        for series in study:
            await archive.archive.sessions.publish(name, series)
    assert [record async for record in reading] == []
    assert len(await seen(archive.archive.instances, name)) == 2001


@pytest.mark.azurite
async def test_readers_pay_nothing_for_instances_that_are_published(archive: CountedArchive) -> None:
    """A study that is committed but not published costs one request more, once; any other none at all."""
    index, sessions = archive.archive.instances, archive.archive.sessions
    plain, study = a_study("1.3.3"), a_study("1.3.4")
    for records in plain.values():
        await index.put(records)
    for records in study.values():
        await sessions.stage("f4", records)
    await sessions.commit("f4", list(study))
    reader = await bound(archive.tables, index._partition)

    async def cost(name: str) -> Sequence[str]:
        archive.taken()
        assert len(await seen(reader.instances, name)) == 6
        return archive.taken()

    one = ["GET table instances"]
    assert await cost("1.3.3") == one
    assert await cost("1.3.4") == [*one, "GET table jobs"]
    assert await cost("1.3.4") == one
    for series in study:
        await sessions.publish("f4", series)
    reader = await bound(archive.tables, index._partition)
    assert await cost("1.3.4") == one


class Dying(Tables):
    """Tables of a process that dies at its write number *left*."""

    def __init__(self, tables: Tables, left: int) -> None:
        super().__init__(tables._http)
        self.left = left

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise BackendUnavailableError("killed")

    async def transact_for_etag(self, table: str, changes: Sequence[Change]) -> str | None:
        """Die, or do it."""
        self._count()
        return await super().transact_for_etag(table, changes)

    async def insert(self, table: str, row: Row) -> bool:
        """Die, or do it."""
        self._count()
        return await super().insert(table, row)


async def carry_out(tables: Tables, partition: str, study: str) -> None:
    """Stage, commit and publish a study, as a process of its own."""
    records, sessions = a_study(study, instances=2), (await bound(tables, partition)).sessions
    for series in records.values():
        await sessions.stage(study, series)
    await sessions.commit(study, list(records))
    for ref in records:
        await sessions.publish(study, ref)


@pytest.mark.azurite
async def test_a_session_killed_at_any_write_is_finished_by_whoever_comes_next(
    archive: CountedArchive,
) -> None:
    """Whole or absent after the kill; after a second go each instance is there once, and once in the feed."""
    tables, partition = archive.tables, archive.archive.instances._partition
    for point in range(1, 60):
        study, dying = f"1.3.5.{point}", Dying(tables, point)
        with suppress(BackendUnavailableError):
            await carry_out(dying, partition, study)
        reader = await bound(tables, partition)
        assert len(await seen(reader.instances, study)) in (0, 4)
        await carry_out(tables, partition, study)
        assert len(await seen(reader.instances, study)) == 4
        await reader.summaries.refresh(StudyRef(study))
        assert len(await entries(reader.changes, partition, StudyRef(study))) == 4
        if dying.left > 0:
            break
    assert 7 < point < 59
