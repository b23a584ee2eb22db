"""The search index is reconciled with the index, both ways; what is only late is left to the change feed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.backends.memory.search_engine import MemoryCluster, MemorySearchEngine
from shared.dicom.index.document import bare_document, document_id
from shared.dicom.references import InstanceRef
from shared.errors import BackendUnavailableError
from shared.flows._reindex_documents import TOMBSTONE_DAYS, Unindexed, Unsearched
from shared.flows.index_instance import index_instance
from shared.flows.reindex import Reindexing
from shared.flows.update_search import update_search
from shared.ports.search import Generations, IndexedDocument
from tests.contract.records import an_instance
from tests.unit.flows.builders import make_file
from tests.unit.flows.reindexed_search import LONG, SearchedWorld
from tests.unit.flows.test_reindex import HOURS


class _Searched(SearchedWorld):
    """One in memory."""

    def __init__(self) -> None:
        self.cluster = MemoryCluster()
        super().__init__(MemorySearchEngine("plain", self.cluster))

    async def lose(self, ref: InstanceRef) -> None:
        """Remove a document past the archive."""
        self.cluster.builds[await self.serving()][1].pop(document_id("default", ref))


@pytest.fixture
def searched() -> _Searched:
    """Return an empty world with a search index."""
    return _Searched()


def _drift(report: Reindexing) -> dict[str, int]:
    return dict(report.drift)


async def test_both_kinds_of_difference_are_found_and_put_right(searched: _Searched) -> None:
    """A document that is missing comes back, one of an instance that is gone goes; the second pass finds nothing."""
    await searched.fill(1, 2, 3)
    refs = await searched.found()
    assert len(refs) == 3
    await searched.lose(refs[1])
    ghost = an_instance("9.1", "9.1.1", "9.1.1.1")
    bare = bare_document(ghost, "default")
    await searched.engine.write(
        await searched.serving(), [IndexedDocument(document_id("default", ghost), 1, bare, bare)]
    )

    report = await searched.run()
    assert _drift(report) == {"unsearched": 1, "document": 1}
    assert report.examples["unsearched"] == [
        f"{refs[1].study_instance_uid}/{refs[1].series_instance_uid}/{refs[1].sop_instance_uid}"
    ]
    assert (report.missing, report.failures) == ([], 0)
    assert await searched.agrees()
    assert _drift(await searched.run()) == {}


async def test_the_last_change_of_all_is_repaired_too(searched: _Searched) -> None:
    """The document with the feed's last number is overwritten, though none later has come."""
    await searched.fill(1)
    (ref,) = await searched.found()
    key = (await searched.world.index.get(ref)).location.key
    searched.world.index._claims.pop(ref)
    del searched.world.objects.objects[key]
    del searched.world.ledger.entries[key]
    searched.world.index._due.clear()
    assert _drift(await searched.run())["document"] == 1
    assert await searched.found() == []


async def test_what_is_only_late_is_no_difference(searched: _Searched) -> None:
    """An instance that is stored or deleted, and not yet in the feed or taken from it, is left to come by that way."""
    await searched.fill(1, 2)
    gone = (await searched.found())[0]
    await searched.world.index.remove(gone, (await searched.world.index.get(gone)).location.key)
    info = searched.drop("3.dcm", make_file(3))
    await index_instance(info.key, searched.world.index_ports)
    # The feed has them when their studies are summed up; the steps before these would do that.
    changes = searched.world.feed._changes
    unpublished = [changes.pop(), changes.pop()]
    state, ports = Reindexing(datetime.now(UTC)), await searched.of("default")
    for _ in range(2):
        for step in (Unsearched, Unindexed):
            async for _place in step(ports, searched.searching, state).batches(""):
                pass
        assert (state.drift, state.failures, state.missing) == ({}, 0, [])
        if unpublished:
            changes.extend(reversed(unpublished))
            unpublished = []
            await searched.published()
    await update_search(searched.searching, seconds=LONG)
    assert await searched.agrees()


class _Down(MemorySearchEngine):
    async def generations(self) -> Generations:
        raise BackendUnavailableError("the engine is down")


async def test_an_engine_that_is_down_keeps_nothing_else_from_being_reconciled(searched: _Searched) -> None:
    """The pass goes on to its end, and its report says what was not compared; so while the first build is made."""
    await searched.fill(1)
    searched.drop("2.dcm", make_file(2))
    for engine in (_Down("plain", searched.cluster), MemorySearchEngine("other", searched.cluster)):
        searched.engine = engine
        report = await searched.run()
        assert (report.done, report.missing) == (True, ["search index of default"])
    assert (await searched.run()).objects["indexed"] == 2


async def test_numbers_of_another_feed_are_told(searched: _Searched) -> None:
    """A document above all numbers of the feed is not overwritten: the report says that it could not be put right."""
    await searched.fill(1)
    ghost = an_instance("9.1", "9.1.1", "9.1.1.1")
    bare = bare_document(ghost, "default")
    await searched.engine.write(
        await searched.serving(), [IndexedDocument(document_id("default", ghost), 10**6, bare, bare)]
    )
    report = await searched.run()
    assert (_drift(report), report.failures) == ({"document": 1}, 1)


async def test_many_are_compared_in_slices(searched: _Searched) -> None:
    """A pass that is cut off after every batch comes to the same end."""
    await searched.fill(*range(1, 30))
    for ref in (await searched.found())[::3]:
        await searched.lose(ref)
    report = await searched.run(0)
    slices = 1
    while not report.done:
        report = await searched.run(0)
        slices += 1
    assert slices > 3
    assert _drift(report) == {"unsearched": 10}
    assert await searched.agrees()


async def test_marks_of_deletions_go_after_days(searched: _Searched) -> None:
    """A pass removes those older than is said, and no others."""
    await searched.fill(1)
    held = searched.cluster.builds[await searched.serving()][1]
    ghosts = [an_instance("9.1", "9.1.1", f"9.1.1.{number}") for number in (1, 2)]
    for ghost, day in zip(ghosts, ("20200101", "29990101"), strict=True):
        held[document_id("default", ghost)] = (1, bare_document(ghost, "default", deleted_on=day))
    await searched.run(HOURS)
    assert document_id("default", ghosts[0]) not in held
    assert document_id("default", ghosts[1]) in held
    assert TOMBSTONE_DAYS == 7
