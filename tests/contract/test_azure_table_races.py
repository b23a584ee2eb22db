"""Another process may do anything between two requests of this one: no change and no summary is lost by that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

import pytest

from shared.backends.azure_http.signed_http import SignedHttp
from shared.backends.azure_table.archive import TableArchive
from shared.backends.azure_table.entities import Row
from shared.backends.azure_table.tables import Tables
from shared.backends.azure_table.transactions import Change
from shared.dicom.query import MatchKey, Query, SingleValue
from shared.dicom.references import InstanceRef, StudyRef
from shared.records import InstanceRecord
from tests.contract.records import a_key, a_record, fresh_name, position
from tests.contract.table_archive import bound, table_service

pytestmark = pytest.mark.azurite

STUDY = StudyRef("1.2.3")


class HookedTables(Tables):
    """Tables that do something else at certain requests, once or each time."""

    def __init__(self, service: SignedHttp) -> None:
        super().__init__(service)
        self.before_upserts: Callable[[], Awaitable[None]] | None = None
        self.after_commit: Callable[[], Awaitable[None]] | None = None
        self.loses_answers = False

    async def upsert_rows(self, table: str, rows: Iterable[Row]) -> None:
        """Write rows after what was hooked in, which happens once."""
        hook, self.before_upserts = self.before_upserts, None
        if hook is not None:
            await hook()
        await super().upsert_rows(table, rows)

    async def transact(self, table: str, changes: Sequence[Change]) -> bool:
        """Write changes, then do what was hooked in; or report a race, as the client's own second try would see it."""
        committed = await super().transact(table, changes)
        if committed and self.loses_answers:
            self.loses_answers = False
            return False
        if committed and table == "instances" and self.after_commit is not None:
            await self.after_commit()
        return committed


@pytest.fixture
async def service(azurite: str) -> AsyncIterator[SignedHttp]:
    """Give the account's tables, made where they are missing."""
    async with table_service(azurite) as client:
        yield client


def series_of(number: int, *, of_patient: str = "P1") -> InstanceRecord:
    """Return the only instance of a series of the study."""
    patient = {"00100020": {"vr": "LO", "Value": [of_patient]}}
    return a_record(InstanceRef("1.2.3", f"1.2.3.{number}", f"1.2.3.{number}.1"), attributes=patient)


async def due_and_published(archive: TableArchive, since: int) -> list[tuple[str, str]]:
    """Refresh what is due; return action and instance of each change that was published."""
    for ref in await archive.summaries.due(10):
        await archive.summaries.refresh(ref)
    changes = await archive.changes.changes(since, 1000)
    return [(change.action.value, change.ref.sop_instance_uid) for change in changes]


async def test_overwriting_the_serving_object_is_published(service: SignedHttp) -> None:
    """When the oldest object is overwritten, the next one serves: the study is due and the feed has the update."""
    archive = await bound(Tables(service), fresh_name("race"))
    first, second = a_record(key=a_key("a")), a_record(key=a_key("b"), age=10)
    for record in (first, second):
        await archive.instances.put([record])
    await archive.summaries.refresh(STUDY)
    since = await position(archive.changes)

    await archive.instances.put([a_record(key=a_key("a"), age=20, etag='"2"')])

    assert [("update", first.ref.sop_instance_uid)] == await due_and_published(archive, since)


async def test_each_commit_of_one_put_is_due(service: SignedHttp) -> None:
    """A refresh between the commits of one put takes up what is there, and leaves what comes after it due."""
    partition = fresh_name("race")
    tables = HookedTables(service)
    archive, other = await bound(tables, partition), await bound(Tables(service), partition)
    since = await position(archive.changes)
    refs = [InstanceRef("1.2.3", "1.2.3.4", f"1.2.3.4.{number}") for number in range(1, 5)]
    await archive.instances.put([a_record(refs[0])])

    async def refresh() -> None:
        await other.summaries.refresh(STUDY)

    tables.after_commit = refresh
    # The first is there already, so that each of the others is a commit of its own.
    await archive.instances.put([a_record(ref) for ref in refs])

    expected = [("create", ref.sop_instance_uid) for ref in refs]
    assert expected == await due_and_published(archive, since)
    page = await archive.search.search(Query("study", 10))
    assert [row["00201208"]["Value"] for row in page.rows] == [[4]]


async def test_a_commit_whose_answer_was_lost_is_due(service: SignedHttp) -> None:
    """Who is told of a lost race that it won itself, for the client tried twice, leaves its study due."""
    tables = HookedTables(service)
    archive = await bound(tables, fresh_name("race"))
    since = await position(archive.changes)
    record = a_record()

    tables.loses_answers = True
    await archive.instances.put([record])
    assert [("create", record.ref.sop_instance_uid)] == await due_and_published(archive, since)

    tables.loses_answers = True
    await archive.instances.put([replace(record, location=replace(record.location, etag='"2"'))])
    since += 1
    assert [("update", record.ref.sop_instance_uid)] == await due_and_published(archive, since)

    tables.loses_answers = True
    await archive.instances.remove(record.ref, record.location.key)
    since += 1
    assert [("delete", record.ref.sop_instance_uid)] == await due_and_published(archive, since)


async def test_who_lost_a_race_repairs_what_it_wrote(service: SignedHttp) -> None:
    """A slow refresh that writes search rows after a newer one leaves them as the newer one had them."""
    partition = fresh_name("race")
    tables = HookedTables(service)
    slow, quick = await bound(tables, partition), await bound(Tables(service), partition)
    await slow.instances.put([series_of(1)])
    await slow.summaries.refresh(STUDY)
    await slow.instances.put([series_of(2)])

    async def overtake() -> None:
        await quick.instances.put([series_of(3)])
        await quick.summaries.refresh(STUDY)

    tables.before_upserts = overtake
    await slow.summaries.refresh(STUDY)

    by_patient = Query("study", 10, keys=(MatchKey(("00100020",), "LO", SingleValue("P1")),))
    for query in (Query("study", 10), by_patient):
        page = await quick.search.search(query)
        assert [row["00201206"]["Value"] for row in page.rows] == [[3]]
