"""What every InstanceIndex does. Its summaries, search and feed have suites of their own."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from shared.dicom.pixel_layout import PixelLayout
from shared.dicom.references import SeriesRef, StudyRef
from shared.errors import InstanceNotFoundError
from shared.records import BulkDataSpan, PutOutcome
from tests.contract.instance_claims import InstanceClaimsContract
from tests.contract.instance_generations import InstanceGenerationsContract
from tests.contract.instance_repair import InstanceRepairContract
from tests.contract.records import Archive, OpenArchive, a_key, a_record, an_instance, as_put, fresh_name


class InstanceIndexContract(InstanceClaimsContract, InstanceGenerationsContract, InstanceRepairContract):
    """See ArchiveContract for the fixture to override."""

    async def test_what_was_put_is_returned(self, archive: Archive) -> None:
        """Every field of a record comes back as it was put, but for the version, which the index sets."""
        record = replace(
            a_record(),
            layout=PixelLayout(0x7FE00010, 900, 100, True, 2, frames=((908, 40), (956, 44))),
            bulk_data={
                "00091001": BulkDataSpan(700, 128, "OB"),
                "00400275/0/00091002": BulkDataSpan(8, 2, "UN"),
            },
            warnings=("(0010,0010): bytes that its character set does not have",),
            generation=2,
        )
        assert await archive.index.put([record]) == [PutOutcome.CREATED]

        assert record == as_put(await archive.index.get(record.ref))

    async def test_a_large_record_is_returned_whole(self, archive: Archive) -> None:
        """Metadata, frames and bulk data are not cut at any size that a row of a table could have."""
        text = "".join(f"{number:07d} " for number in range(250_000))
        frames = tuple((908 + 3 * index + index % 7, index % 5) for index in range(20_000))
        record = replace(
            a_record(attributes={"00204000": {"vr": "LT", "Value": [text]}}),
            layout=PixelLayout(0x7FE00010, 900, 100_000, True, 20_000, frames=frames),
            bulk_data={f"0009{number:04X}": BulkDataSpan(number, number, "OB") for number in range(9000)},
        )
        await archive.index.put([record])

        assert record == as_put(await archive.index.get(record.ref))

    async def test_an_unknown_instance_is_not_found(self, archive: Archive) -> None:
        """Get raises; claims and instances are empty, also next to an instance whose UID begins with the same digits."""
        await archive.index.put([a_record(an_instance(instance="1.2.3.4.5.6"))])

        with pytest.raises(InstanceNotFoundError):
            await archive.index.get(an_instance())
        assert [key async for key in archive.index.claims_of(an_instance())] == []
        assert [found async for found in archive.index.instances_of(StudyRef("1.2"))] == []

    async def test_put_of_nothing_does_nothing(self, archive: Archive) -> None:
        """An empty put has no outcomes."""
        assert await archive.index.put([]) == []

    async def test_the_same_object_again_is_unchanged(self, archive: Archive) -> None:
        """An event that comes twice changes nothing."""
        record = a_record()
        await archive.index.put([record])
        before = await archive.index.get(record.ref)

        assert await archive.index.put([record]) == [PutOutcome.UNCHANGED]
        assert await archive.index.put([record], if_absent=True) == [PutOutcome.UNCHANGED]
        assert before == await archive.index.get(record.ref)

    async def test_an_overwritten_object_is_updated(self, archive: Archive) -> None:
        """The same object at another etag replaces what was known of it."""
        old, new = a_record(etag='"1"'), a_record(etag='"2"', age=9)
        await archive.index.put([old])

        assert await archive.index.put([new]) == [PutOutcome.UPDATED]
        assert new == as_put(await archive.index.get(new.ref))
        assert [new.location.key] == [key async for key in archive.index.claims_of(new.ref)]

    async def test_one_put_may_hold_rival_claims(self, archive: Archive) -> None:
        """Records of one put that claim the same instance have their outcomes in order, as if put one by one."""
        other = an_instance(instance="1.2.3.4.6")
        records = [
            a_record(key=a_key("a"), age=2),
            a_record(other),
            a_record(key=a_key("b"), age=3),
            a_record(key=a_key("c"), age=1),
            a_record(other),
        ]
        outcomes = await archive.index.put(records)

        expected = ["created", "created", "spare", "updated", "unchanged"]
        assert expected == [outcome.value for outcome in outcomes]
        assert a_key("c") == (await archive.index.get(an_instance())).location.key

    async def test_many_records_have_one_outcome_each(self, archive: Archive) -> None:
        """A put of more records than any transaction takes, some of them there already, answers in order."""
        refs = [an_instance(instance=f"1.2.3.4.{number}") for number in range(1, 131)]
        await archive.index.put([a_record(ref) for ref in refs[::3]])

        outcomes = await archive.index.put([a_record(ref) for ref in refs])

        expected = [PutOutcome.CREATED if index % 3 else PutOutcome.UNCHANGED for index in range(130)]
        assert expected == outcomes
        assert sorted(refs) == [found.ref async for found in archive.index.instances_of(StudyRef("1.2.3"))]

    async def test_removing_the_last_claim_removes_the_instance(self, archive: Archive) -> None:
        """Remove tells whether there was anything to remove."""
        record = a_record()
        await archive.index.put([record])

        assert await archive.index.remove(record.ref, record.location.key)
        assert not await archive.index.remove(record.ref, record.location.key)
        with pytest.raises(InstanceNotFoundError):
            await archive.index.get(record.ref)
        assert await archive.index.put([record]) == [PutOutcome.CREATED]

    async def test_instances_come_in_the_order_of_their_uids(self, archive: Archive) -> None:
        """By SeriesInstanceUID, then SOPInstanceUID, as text; a study's do not mix with those of a longer UID."""
        refs = [
            an_instance("1.2.3", series, instance)
            for series in ("1.2.10", "1.2.9", "1.2.9.1")
            for instance in ("1.2.9", "1.2.10.1", "1.2.10", f"{series}.7")
        ]
        strangers = [an_instance("1.2.3.4"), an_instance("1.2.30"), an_instance("1.2")]
        for ref in [*refs, *strangers]:
            await archive.index.put([a_record(ref)])

        found = [record.ref async for record in archive.index.instances_of(StudyRef("1.2.3"))]
        of_series = [record.ref async for record in archive.index.instances_of(SeriesRef("1.2.3", "1.2.9"))]

        assert sorted(refs) == found
        assert [ref for ref in sorted(refs) if ref.series_instance_uid == "1.2.9"] == of_series

    async def test_partitions_know_nothing_of_each_other(self, open_archive: OpenArchive) -> None:
        """The same UIDs in two partitions, one's name beginning the other's, are two instances."""
        name = fresh_name("p")
        here, there = await open_archive(name), await open_archive(f"{name}.1")
        mine, theirs = a_record(key=a_key("mine")), a_record(key=a_key("theirs"), age=-1)
        await here.index.put([mine])

        assert [found async for found in there.index.instances_of(StudyRef("1.2.3"))] == []
        assert await there.index.put([theirs], if_absent=True) == [PutOutcome.CREATED]
        assert mine == as_put(await here.index.get(mine.ref))
        assert await there.index.remove(theirs.ref, theirs.location.key)
        assert mine == as_put(await here.index.get(mine.ref))

    async def test_concurrent_puts_to_one_series_all_land(self, archive: Archive) -> None:
        """Writers of different instances of one series do not lose each other's records."""
        refs = [an_instance(instance=f"1.2.3.4.{number}") for number in range(8)]
        outcomes = await asyncio.gather(*(archive.index.put([a_record(ref)]) for ref in refs))

        assert outcomes == [[PutOutcome.CREATED]] * 8
        assert refs == [
            found.ref async for found in archive.index.instances_of(SeriesRef("1.2.3", "1.2.3.4"))
        ]
