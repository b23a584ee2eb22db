"""A process may die before any request to a table: the next one ends where it would have ended."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.backends.azure_http.signed_http import SignedHttp
from shared.backends.azure_table import changes, dirty, instances
from shared.backends.azure_table.archive import TABLES, TableArchive
from shared.backends.azure_table.tables import Tables
from shared.backends.memory.object_store import MemoryObjectStore
from shared.dicom.query import MatchKey, Query, SingleValue
from shared.dicom.references import InstanceRef, StudyRef
from shared.records import BulkDataSpan, ChangeAction, InstanceRecord, ObjectKey
from tests.contract.records import a_record, fresh_name
from tests.contract.table_archive import bound, table_service

pytestmark = pytest.mark.azurite

STUDY = StudyRef("1.2.3")
_REQUESTS = ("get", "insert", "upsert", "delete", "transact_for_etag")


class Killed(BaseException):
    """The process is gone; nobody catches this."""


class DyingTables(Tables):
    """Tables of a process that dies at its n-th request."""

    def __init__(self, service: SignedHttp, requests: int) -> None:
        super().__init__(service)
        self.left = requests

    def __getattribute__(self, name: str) -> Any:
        if name in _REQUESTS:
            if self.left <= 0:
                raise Killed
            self.left -= 1
        return super().__getattribute__(name)


@pytest.fixture
async def service(azurite: str) -> AsyncIterator[SignedHttp]:
    """Give the account's tables, made where they are missing."""
    async with table_service(azurite) as client:
        yield client


def records() -> list[InstanceRecord]:
    """Return three instances of one series."""
    patient = {"00100020": {"vr": "LO", "Value": ["P1"]}}
    return [
        a_record(InstanceRef("1.2.3", "1.2.3.4", f"1.2.3.4.{number}"), attributes=patient)
        for number in (1, 2, 3)
    ]


async def state(archive: TableArchive, since: int, partition: str) -> tuple[Any, ...]:
    """Return what a client sees: the counts, what a patient's search finds, the entries of the feed."""
    by_patient = Query("instance", 10, keys=(MatchKey(("00100020",), "LO", SingleValue("P1")),))
    page = await archive.search.search(by_patient)
    studies = await archive.search.search(Query("study", 10))
    entries = [
        change for change in await archive.changes.changes(since, 1000) if change.partition == partition
    ]
    claims = [key.name async for key in archive.instances.claims_of(records()[0].ref)]
    return (
        claims,
        sorted(row["00080018"]["Value"][0] for row in page.rows),
        [row["00201208"]["Value"] for row in studies.rows],
        sorted((change.ref.sop_instance_uid, change.action.value) for change in entries),
    )


type Step = Callable[[TableArchive], Awaitable[object]]


async def store(archive: TableArchive) -> None:
    """Put three instances, then summarise."""
    await archive.instances.put(records())
    await archive.summaries.refresh(STUDY)


async def remove_one(archive: TableArchive) -> None:
    """Remove one of three instances, then summarise."""
    record = records()[0]
    await archive.instances.remove(record.ref, record.location.key)
    await archive.summaries.refresh(STUDY)


async def replace_one(archive: TableArchive) -> None:
    """Replace one of three instances, then summarise."""
    record = replace(records()[0], generation=1)
    location = replace(record.location, key=ObjectKey("archive", "replacement"))
    await archive.instances.put([replace(record, location=location)])
    await archive.summaries.refresh(STUDY)


async def renew_one(archive: TableArchive) -> None:
    """Make one of three instances anew, then summarise: the feed says nothing of it."""
    await archive.instances.renew(records()[:1])
    await archive.summaries.refresh(STUDY)


async def rebuild(archive: TableArchive) -> None:
    """Make the study's rows anew."""
    await archive.summaries.rebuild(STUDY)


# A killed gather leaves the coroutines it was about to start.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.parametrize("step", [store, remove_one, replace_one, renew_one, rebuild])
async def test_death_before_any_request(
    service: SignedHttp, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever request a process dies before, delivering the work again gives the state of an undisturbed run."""
    latest = await (await bound(Tables(service), "any")).changes.latest()
    since = latest.sequence if latest else 0
    undisturbed = fresh_name("crash")
    archive = await bound(Tables(service), undisturbed)
    await store(archive)
    await step(archive)
    expected = await state(archive, since, undisturbed)

    for requests in range(1, 100):
        partition = fresh_name("crash")
        healthy = await bound(Tables(service), partition)
        if step is not store:
            await store(healthy)
        dying = DyingTables(service, 1000)
        victim = await bound(dying, partition)
        dying.left = requests
        try:
            await step(victim)
        except Killed:
            died = True
        else:
            died = False
        heir = await bound(Tables(service), partition)
        await step(heir)

        assert await state(heir, since, partition) == expected, f"died before request {requests}"
        # What the dead process only noted is forgotten once it must be gone.
        monkeypatch.setattr(dirty, "STALE", timedelta(0))
        await heir.summaries.refresh(STUDY)
        monkeypatch.undo()
        assert await heir.summaries.due(10) == []
        if not died:
            return
    raise AssertionError("the step never came to its end")


async def test_many_processes_write_one_feed(service: SignedHttp) -> None:
    """Eight processes store in two studies; three readers, each from its cursor on, miss no entry."""
    partition = fresh_name("feed")
    reader = await bound(Tables(service), partition)
    latest = await reader.changes.latest()
    since = latest.sequence if latest else 0
    written = 8 * 15
    done = asyncio.Event()

    async def write(writer: int) -> None:
        archive = await bound(Tables(service), partition)
        for number in range(15):
            ref = InstanceRef(f"1.{writer % 2}", f"1.{writer % 2}.{writer}", f"1.{writer}.{number}")
            await archive.instances.put([a_record(ref)])
            await archive.summaries.refresh(ref.study)

    async def read() -> list[int]:
        sequences: list[int] = []
        archive = await bound(Tables(service), partition)
        while True:
            finished = done.is_set()
            page = await archive.changes.changes(sequences[-1] if sequences else since, 20)
            sequences += [change.sequence for change in page]
            if finished and not page:
                return sequences
            await asyncio.sleep(0.01)

    readers = [asyncio.create_task(read()) for _ in range(3)]
    await asyncio.gather(*map(write, range(8)))
    done.set()

    expected = list(range(since + 1, since + 1 + written))
    assert await asyncio.gather(*readers) == [expected] * 3
    entries = await reader.changes.changes(since, 1000)
    assert len({change.ref for change in entries}) == written
    assert {change.action for change in entries} == {ChangeAction.CREATE}
    assert [change.changed_at for change in entries] == sorted(change.changed_at for change in entries)


async def test_large_parts_of_a_record_overflow(service: SignedHttp) -> None:
    """Metadata and bulk data spans that no table property takes come back whole."""
    noise = random.Random(1).randbytes(300_000).hex()
    record = a_record(attributes={"00104000": {"vr": "LT", "Value": [noise]}})
    spans = {f"{number:08X}": BulkDataSpan(number * 7919, number, "OB") for number in range(20_000)}
    large = replace(record, bulk_data=spans)
    objects = MemoryObjectStore(["derived"])
    archive = await bound(Tables(service), fresh_name("large"), objects)

    await archive.instances.put([large])

    found = await archive.instances.get(record.ref)
    assert (found.metadata, found.bulk_data) == (large.metadata, spans)
    await archive.summaries.refresh(record.ref.study)
    assert (await archive.search.search(Query("study", 10))).total == 1
    assert len(objects.objects) == 2

    # What is put again in vain, replaced or removed leaves none of it behind.
    copy = ObjectKey("images", "copy")
    await archive.instances.put([large])
    await archive.instances.put([replace(large, location=replace(large.location, etag='"2"'))])
    await archive.instances.put([replace(large, location=replace(large.location, key=copy))], if_absent=True)
    assert len(objects.objects) == 2
    await archive.instances.put([replace(large, location=replace(large.location, key=copy))])
    assert len(objects.objects) == 4
    await archive.instances.remove(record.ref, record.location.key)
    assert (await archive.instances.get(record.ref)).metadata == large.metadata
    await archive.instances.remove(record.ref, copy)
    assert objects.objects == {}


def test_names_of_tables_agree() -> None:
    """The tables that are made are those the adapters use."""
    assert {instances.TABLE, changes.TABLE, dirty.TABLE, "series", "lookups", "objects", "cases"} <= set(
        TABLES
    )
