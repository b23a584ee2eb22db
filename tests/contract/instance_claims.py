"""What every InstanceIndex makes of several objects that claim one SOP instance. A part of instance_index.py."""

from __future__ import annotations

import asyncio
import itertools

from shared.dicom.references import StudyRef
from shared.records import PutOutcome
from tests.contract.archive import ArchiveContract
from tests.contract.records import Archive, OpenArchive, a_key, a_record, an_instance, as_put, fresh_name


class InstanceClaimsContract(ArchiveContract):
    """See ArchiveContract for the fixture to override."""

    async def test_a_later_object_is_a_spare(self, archive: Archive) -> None:
        """The object written first serves; one written later waits, whatever its name."""
        first, later = a_record(key=a_key("b"), age=1), a_record(key=a_key("a"), age=2)
        await archive.index.put([first])

        assert await archive.index.put([later]) == [PutOutcome.SPARE]
        assert await archive.index.put([later]) == [PutOutcome.SPARE]
        assert first == as_put(await archive.index.get(first.ref))
        assert [a_key("b"), a_key("a")] == [key async for key in archive.index.claims_of(first.ref)]

    async def test_an_earlier_object_takes_over(self, archive: Archive) -> None:
        """An event that comes late for an object written early makes that one serve."""
        first, later = a_record(key=a_key("b"), age=1), a_record(key=a_key("a"), age=2)
        await archive.index.put([later])

        assert await archive.index.put([first]) == [PutOutcome.UPDATED]
        assert first == as_put(await archive.index.get(first.ref))

    async def test_an_overwritten_object_makes_way_for_its_spare(self, archive: Archive) -> None:
        """An object is as old as its present content, so by being overwritten it can lose its place."""
        first, second = a_record(key=a_key("a"), age=1), a_record(key=a_key("b"), age=2)
        await archive.index.put([first])
        await archive.index.put([second])

        rewritten = a_record(key=a_key("a"), age=3, etag='"2"')
        assert await archive.index.put([rewritten]) == [PutOutcome.SPARE]
        assert second == as_put(await archive.index.get(first.ref))
        await archive.index.remove(second.ref, second.location.key)
        assert rewritten == as_put(await archive.index.get(first.ref))

    async def test_one_name_in_two_containers_is_two_claims(self, archive: Archive) -> None:
        """At the same age the container decides, then the name."""
        records = [
            a_record(key=a_key("x", "b")),
            a_record(key=a_key("y", "a")),
            a_record(key=a_key("x", "a")),
        ]
        for record in records:
            await archive.index.put([record])

        expected = [a_key("x", "a"), a_key("y", "a"), a_key("x", "b")]
        assert expected == [key async for key in archive.index.claims_of(an_instance())]

    async def test_if_absent_leaves_what_serves(self, archive: Archive) -> None:
        """A record put on condition is not even kept as a spare."""
        held, refused = a_record(key=a_key("held"), age=5), a_record(key=a_key("refused"), age=1)
        free = a_record(an_instance(instance="1.2.3.4.6"))
        await archive.index.put([held])

        outcomes = await archive.index.put([refused, free], if_absent=True)

        assert outcomes == [PutOutcome.EXISTS, PutOutcome.CREATED]
        assert [a_key("held")] == [key async for key in archive.index.claims_of(held.ref)]

    async def test_if_absent_finds_what_is_kept_already(self, archive: Archive) -> None:
        """Who puts on condition what another has put for it meanwhile learns that it is kept, and must not remove it."""
        spare = a_record(key=a_key("spare"), age=5)
        await archive.index.put([a_record(key=a_key("held"), age=1)])
        await archive.index.put([spare])

        assert await archive.index.put([spare], if_absent=True) == [PutOutcome.SPARE]
        changed = a_record(key=a_key("spare"), age=6, etag='"2"')
        assert await archive.index.put([changed], if_absent=True) == [PutOutcome.EXISTS]
        assert [a_key("held"), a_key("spare")] == [key async for key in archive.index.claims_of(spare.ref)]

    async def test_if_absent_updates_its_own_object(self, archive: Archive) -> None:
        """The condition is about other objects: the one that serves may be put again with other content."""
        await archive.index.put([a_record(etag='"1"')])

        assert await archive.index.put([a_record(etag='"2"', age=1)], if_absent=True) == [PutOutcome.UPDATED]

    async def test_removing_what_serves_promotes_the_eldest_spare(self, archive: Archive) -> None:
        """Of several spares the one written first serves next, with its own record."""
        records = [a_record(key=a_key(name), age=age) for name, age in (("a", 1), ("b", 3), ("c", 2))]
        for record in records:
            await archive.index.put([record])

        assert await archive.index.remove(an_instance(), a_key("a"))

        assert records[2] == as_put(await archive.index.get(an_instance()))
        assert [a_key("c"), a_key("b")] == [key async for key in archive.index.claims_of(an_instance())]

    async def test_removing_a_spare_leaves_what_serves(self, archive: Archive) -> None:
        """A spare that goes takes nothing with it."""
        await archive.index.put([a_record(key=a_key("a"), age=1)])
        await archive.index.put([a_record(key=a_key("b"), age=2)])
        before = await archive.index.get(an_instance())

        assert await archive.index.remove(an_instance(), a_key("b"))
        assert not await archive.index.remove(an_instance(), a_key("never"))
        assert before == await archive.index.get(an_instance())
        assert [a_key("a")] == [key async for key in archive.index.claims_of(an_instance())]

    async def test_the_order_of_claims_does_not_matter(self, open_archive: OpenArchive) -> None:
        """All orders in which three objects are put end with the same one serving and the same spares behind it."""
        records = [
            a_record(key=a_key("b"), age=1),
            a_record(key=a_key("a"), age=1),
            a_record(key=a_key("c"), age=0),
        ]
        for order in itertools.permutations(records):
            archive = await open_archive(fresh_name("p"))
            for record in order:
                await archive.index.put([record])
            assert records[2] == as_put(await archive.index.get(an_instance()))
            expected = [a_key("c"), a_key("a"), a_key("b")]
            assert expected == [key async for key in archive.index.claims_of(an_instance())]

    async def test_the_order_of_events_does_not_matter(self, open_archive: OpenArchive) -> None:
        """Late, doubled and shuffled events of a removed, an overwritten and a new object all end alike."""
        gone, old = a_record(key=a_key("gone"), age=0), a_record(key=a_key("kept"), age=1)
        kept, new = a_record(key=a_key("kept"), age=2, etag='"2"'), a_record(key=a_key("new"), age=3)
        present = {"kept": kept, "new": new}
        for order in sorted(set(itertools.permutations(["gone", "gone", "kept", "kept", "new"]))):
            archive = await open_archive(fresh_name("p"))
            await archive.index.put([gone])
            await archive.index.put([old])
            for name in order:
                if name in present:
                    await archive.index.put([present[name]])
                else:
                    await archive.index.remove(an_instance(), a_key(name))
            assert kept == as_put(await archive.index.get(an_instance()))
            assert [a_key("kept"), a_key("new")] == [
                key async for key in archive.index.claims_of(an_instance())
            ]

    async def test_spares_are_not_among_the_instances(self, archive: Archive) -> None:
        """A study lists each SOP instance once, by what serves."""
        records = [a_record(key=a_key("a"), age=1), a_record(key=a_key("b"), age=2)]
        for record in records:
            await archive.index.put([record])

        assert [records[0]] == [
            as_put(found) async for found in archive.index.instances_of(StudyRef("1.2.3"))
        ]

    async def test_object_names_may_hold_any_character(self, archive: Archive) -> None:
        """Names that keys of tables cannot hold, and the longest that stores allow, claim like others."""
        names = ["a b#c?d%e\\f", "Ärzte/日本/🙂.dcm", "x" * 1024, "x" * 1023 + "y", "a'b\"c", "%2F/..!~"]
        for age, name in enumerate(names):
            await archive.index.put([a_record(key=a_key(name), age=age)])

        assert names == [key.name async for key in archive.index.claims_of(an_instance())]
        for name in names[:-1]:
            assert await archive.index.remove(an_instance(), a_key(name))
        assert names[-1] == (await archive.index.get(an_instance())).location.key.name

    async def test_concurrent_claims_all_land(self, archive: Archive) -> None:
        """Of objects that claim one instance at the same moment one is created, and the eldest serves in the end."""
        records = [a_record(key=a_key(f"{number}"), age=number) for number in range(8)]
        outcomes = await asyncio.gather(*(archive.index.put([record]) for record in reversed(records)))

        assert sum(outcome == [PutOutcome.CREATED] for outcome in outcomes) == 1
        keys = [key async for key in archive.index.claims_of(an_instance())]
        assert [record.location.key for record in records] == keys

    async def test_of_racing_conditional_puts_one_wins(self, archive: Archive) -> None:
        """Eight objects that race for an absent instance: one is created, seven are refused and leave no claim."""
        records = [a_record(key=a_key(f"{number}"), age=number) for number in range(8)]
        outcomes = await asyncio.gather(*(archive.index.put([record], if_absent=True) for record in records))

        winner = records[outcomes.index([PutOutcome.CREATED])]
        assert [outcome for outcome in outcomes if outcome != [PutOutcome.CREATED]] == [
            [PutOutcome.EXISTS]
        ] * 7
        assert [winner.location.key] == [key async for key in archive.index.claims_of(an_instance())]

    async def test_removal_and_claim_at_once_leave_the_claim(self, archive: Archive) -> None:
        """Whichever comes first, the object that remains serves."""
        gone, stays = a_record(key=a_key("gone")), a_record(key=a_key("stays"), age=1)
        await archive.index.put([gone])
        await asyncio.gather(
            archive.index.remove(gone.ref, gone.location.key),
            archive.index.put([stays]),
            archive.index.put([stays]),
        )

        assert stays == as_put(await archive.index.get(stays.ref))
        assert [stays.location.key] == [key async for key in archive.index.claims_of(stays.ref)]
