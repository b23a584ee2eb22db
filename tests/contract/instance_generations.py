"""What every InstanceIndex makes of objects that replace others on purpose. A part of instance_index.py."""

from __future__ import annotations

import asyncio
import itertools

from shared.dicom.query import Query
from shared.records import PutOutcome
from tests.contract.archive import ArchiveContract
from tests.contract.records import (
    Archive,
    OpenArchive,
    a_key,
    a_record,
    an_instance,
    as_put,
    changes_since,
    fresh_name,
    position,
)


class InstanceGenerationsContract(ArchiveContract):
    """See ArchiveContract for the fixture to override."""

    async def test_a_replacement_serves_and_what_it_replaced_is_kept(self, archive: Archive) -> None:
        """However much younger it is; the version grows, and the records of both are there in their order."""
        old = a_record(key=a_key("old"))
        new = a_record(
            key=a_key("new"), age=9, generation=1, attributes={"00200013": {"vr": "IS", "Value": [7]}}
        )
        await archive.index.put([old])
        before = await archive.index.get(old.ref)

        assert await archive.index.put([new]) == [PutOutcome.UPDATED]
        assert await archive.index.put([new]) == [PutOutcome.UNCHANGED]

        serving = await archive.index.get(old.ref)
        assert (new, True) == (as_put(serving), serving.version > before.version)
        assert [new, old] == [as_put(record) async for record in archive.index.versions_of(old.ref)]

    async def test_an_event_does_not_take_a_replacement_back(self, archive: Archive) -> None:
        """An object of a lower generation is a spare, be it older, new content or seen again; what serves is as it was."""
        new = a_record(key=a_key("new"), age=9, generation=1)
        await archive.index.put([a_record(key=a_key("old"), age=3)])
        await archive.index.put([new])
        serving = await archive.index.get(new.ref)

        for again in (
            a_record(key=a_key("old"), age=3),
            a_record(key=a_key("old"), age=20, etag='"2"'),
            a_record(key=a_key("older"), age=0),
        ):
            assert await archive.index.put([again]) == [PutOutcome.SPARE]
        assert serving == await archive.index.get(new.ref)
        keys = [key async for key in archive.index.claims_of(new.ref)]
        assert keys == [a_key("new"), a_key("older"), a_key("old")]

    async def test_the_order_of_generations_does_not_matter(self, open_archive: OpenArchive) -> None:
        """All orders in which three generations are put end with the highest serving, the others behind it."""
        records = [a_record(key=a_key(str(number)), age=number, generation=number) for number in range(3)]
        for order in itertools.permutations(records):
            archive = await open_archive(fresh_name("p"))
            for record in order:
                await archive.index.put([record])
            found = [as_put(record) async for record in archive.index.versions_of(an_instance())]
            assert records[::-1] == found

    async def test_what_was_replaced_serves_again_when_its_replacement_goes(self, archive: Archive) -> None:
        """The next lower generation; then the eldest of none."""
        records = [
            a_record(key=a_key("a"), age=1),
            a_record(key=a_key("b"), age=2),
            a_record(key=a_key("c"), age=3, generation=1),
            a_record(key=a_key("d"), age=4, generation=2),
        ]
        for record in records:
            await archive.index.put([record])
        for gone, left in (("d", "c"), ("c", "a"), ("a", "b")):
            assert await archive.index.remove(an_instance(), a_key(gone))
            assert (await archive.index.get(an_instance())).location.key == a_key(left)

    async def test_each_replacement_is_one_update_of_the_feed(self, archive: Archive) -> None:
        """Its version is the one that serves; one that comes too late to serve is no change."""
        start = await position(archive.feed)
        for number in (0, 1, 3):
            await archive.index.put([a_record(key=a_key(str(number)), age=number, generation=number)])
        await archive.index.put([a_record(key=a_key("2"), age=2, generation=2)])

        changes = await changes_since(archive, start)
        assert [change.action.value for change in changes] == ["create", "update", "update"]
        assert changes[-1].version == (await archive.index.get(an_instance())).version

    async def test_of_racing_replacements_the_highest_serves(self, archive: Archive) -> None:
        """And each of the others is kept."""
        records = [a_record(key=a_key(str(number)), generation=number) for number in range(8)]
        await asyncio.gather(*(archive.index.put([record]) for record in records))

        found = [record.generation async for record in archive.index.versions_of(an_instance())]
        assert found == [7, 6, 5, 4, 3, 2, 1, 0]

    async def test_searches_and_counts_see_what_serves_only(self, archive: Archive) -> None:
        """A study whose instance was replaced still has one, and says what the replacement says."""
        for generation, name in enumerate(("OLD", "NEW")):
            attributes = {"00100020": {"vr": "LO", "Value": [name]}}
            record = a_record(key=a_key(name), generation=generation, attributes=attributes)
            await archive.index.put([record])

        found = [record async for record in archive.index.instances_of(an_instance().study)]
        assert [record.location.key for record in found] == [a_key("NEW")]
        [row] = (await archive.search.search(Query("study", 10, include_all=True))).rows
        assert (row["00100020"]["Value"], row["00201208"]["Value"]) == (["NEW"], [1])
