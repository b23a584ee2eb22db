"""What every ChangeFeed does, seen through the index that it reports on."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from shared.records import Change
from tests.contract.archive import ArchiveContract
from tests.contract.records import (
    Archive,
    OpenArchive,
    a_key,
    a_record,
    an_instance,
    changes_since,
    fresh_name,
    position,
)


def _actions(changes: list[Change]) -> list[str]:
    return [change.action.value for change in changes]


class ChangeFeedContract(ArchiveContract):
    """See ArchiveContract for the fixture to override."""

    async def test_each_change_has_one_entry(self, archive: Archive) -> None:
        """A new instance, another content of it and its end are a create, an update and a delete of its reference."""
        start = await position(archive.feed)
        await archive.index.put([a_record(etag='"1"')])
        await archive.index.put([a_record(etag='"2"', age=1)])
        await archive.index.remove(an_instance(), a_record().location.key)

        changes = await changes_since(archive, start)

        assert _actions(changes) == ["create", "update", "delete"]
        assert [(an_instance(), archive.partition)] * 3 == [
            (change.ref, change.partition) for change in changes
        ]

    async def test_what_changes_nothing_has_no_entry(self, archive: Archive) -> None:
        """Neither repeated, refused and spare claims, nor a spare that goes, nor an unknown claim removed."""
        await archive.index.put([a_record(key=a_key("a"))])
        await changes_since(archive, 0)
        start = await position(archive.feed)
        await archive.index.put([a_record(key=a_key("a"))])
        await archive.index.put([a_record(key=a_key("b"), age=1)], if_absent=True)
        await archive.index.put([a_record(key=a_key("b"), age=1)])
        await archive.index.put([a_record(key=a_key("b"), age=2, etag='"2"')])
        await archive.index.remove(an_instance(), a_key("b"))
        await archive.index.remove(an_instance(), a_key("c"))
        await archive.summaries.refresh(an_instance().study)

        assert await changes_since(archive, start) == []

    async def test_another_serving_object_is_an_update(self, archive: Archive) -> None:
        """A senior claim, a promoted spare and an object that makes way are updates: the instance stays."""
        start = await position(archive.feed)
        await archive.index.put([a_record(key=a_key("b"), age=2)])
        await archive.index.put([a_record(key=a_key("a"), age=1)])
        await archive.index.remove(an_instance(), a_key("a"))
        await archive.index.put([a_record(key=a_key("c"), age=3)])
        await archive.index.put([a_record(key=a_key("b"), age=4, etag='"2"')])

        assert _actions(await changes_since(archive, start)) == ["create", "update", "update", "update"]

    async def test_sequences_have_no_gaps(self, archive: Archive) -> None:
        """Entries are numbered one after the other over several studies and refreshes."""
        start = await position(archive.feed)
        for number in range(1, 4):
            refs = [an_instance(f"1.2.{number}", instance=f"1.2.{index}") for index in range(1, 6)]
            await archive.index.put([a_record(ref) for ref in refs])
            await changes_since(archive, start)

        changes = await archive.feed.changes(start, 1000)
        assert list(range(start + 1, start + 16)) == [change.sequence for change in changes]
        expected = {
            an_instance(f"1.2.{number}", instance=f"1.2.{index}")
            for number in (1, 2, 3)
            for index in range(1, 6)
        }
        assert expected == {change.ref for change in changes}

    async def test_pages_join_to_the_whole(self, archive: Archive) -> None:
        """Reading on from the last sequence seen gives every entry once, and nothing at the end."""
        start = await position(archive.feed)
        await archive.index.put([a_record(an_instance(instance=f"1.2.{index}")) for index in range(1, 8)])
        whole = await changes_since(archive, start)

        paged: list[Change] = []
        while page := await archive.feed.changes(paged[-1].sequence if paged else start, 3):
            assert len(page) <= 3
            paged += page

        assert whole == paged
        assert len(whole) == 7
        assert await archive.feed.changes(whole[-1].sequence, 3) == []
        assert await archive.feed.changes(whole[-1].sequence + 1000, 3) == []

    async def test_latest_is_the_newest_entry(self, archive: Archive) -> None:
        """The newest entry is the one a reader would come to last."""
        start = await position(archive.feed)
        await archive.index.put([a_record(), a_record(an_instance(instance="1.2.3.4.6"))])
        changes = await changes_since(archive, start)

        assert changes[-1] == await archive.feed.latest()

    async def test_versions_grow_even_over_a_deletion(self, archive: Archive) -> None:
        """Each change of an instance has a greater version than those before; the record that serves bears the last."""
        start = await position(archive.feed)
        key = a_record().location.key
        for etag in ('"1"', '"2"', '"3"'):
            await archive.index.put([a_record(etag=etag)])
        await archive.index.remove(an_instance(), key)
        await archive.index.put([a_record(etag='"4"')])
        await archive.index.put([a_record(key=a_key("senior"), age=-1)])
        await archive.index.remove(an_instance(), a_key("senior"))

        versions = [change.version for change in await changes_since(archive, start)]

        assert len(versions) == 7
        assert sorted(set(versions)) == versions
        assert versions[-1] == (await archive.index.get(an_instance())).version

    async def test_times_do_not_go_back(self, archive: Archive) -> None:
        """Times are in UTC and ascend with the sequence."""
        start = await position(archive.feed)
        for index in range(1, 4):
            await archive.index.put([a_record(an_instance(instance=f"1.2.{index}"))])
            await changes_since(archive, start)

        times = [change.changed_at for change in await archive.feed.changes(start, 10)]
        assert [timedelta(0)] * 3 == [time.utcoffset() for time in times]
        assert sorted(times) == times

    async def test_an_entry_once_served_stays(self, archive: Archive) -> None:
        """Later changes add entries behind those that readers have seen and alter none."""
        start = await position(archive.feed)
        await archive.index.put([a_record()])
        seen = await changes_since(archive, start)
        await archive.index.put([a_record(etag='"2"')])
        await archive.index.put([a_record(an_instance("1.2.2"))])

        assert seen == (await changes_since(archive, start))[:1]

    async def test_entries_name_their_partition(self, open_archive: OpenArchive) -> None:
        """The same instance created in two partitions is two changes, told apart by their partition."""
        name = fresh_name("p")
        archives = [await open_archive(name), await open_archive(f"{name}.1")]
        starts = [await position(archive.feed) for archive in archives]
        for archive in archives:
            await archive.index.put([a_record()])
        for archive in archives:
            await archive.summaries.refresh(an_instance().study)

        for archive, start in zip(archives, starts, strict=True):
            entries = await archive.feed.changes(start, 10)
            own = [change for change in entries if change.partition == archive.partition]
            assert [("create", an_instance())] == [(change.action.value, change.ref) for change in own]

    async def test_concurrent_changes_have_one_entry_each(self, archive: Archive) -> None:
        """Instances put and studies refreshed at the same time leave neither gaps nor repeated entries."""
        start = await position(archive.feed)
        refs = [an_instance(study, instance=f"1.2.{n}") for study in ("1.2.3", "1.2.4") for n in range(1, 9)]

        async def put_and_refresh(number: int) -> None:
            await archive.index.put([a_record(refs[number])])
            await archive.summaries.refresh(refs[number].study)

        await asyncio.gather(*(put_and_refresh(number) for number in range(len(refs))))

        changes = await changes_since(archive, start)
        assert list(range(start + 1, start + 17)) == [change.sequence for change in changes]
        assert sorted(refs) == sorted(change.ref for change in changes)
        assert {"create"} == set(_actions(changes))

    async def test_racing_claims_create_once(self, archive: Archive) -> None:
        """Whatever the order, claims of one instance are one create, then updates only."""
        start = await position(archive.feed)
        records = [a_record(key=a_key(f"{number}"), age=number) for number in range(8)]
        await asyncio.gather(*(archive.index.put([record]) for record in reversed(records)))

        actions = _actions(await changes_since(archive, start))
        assert actions[0] == "create"
        assert {"update"} >= set(actions[1:])
