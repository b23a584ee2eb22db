"""What every InstanceIndex offers to reconciling: every claim there is, and records made anew. Part of instance_index.py."""

from __future__ import annotations

from dataclasses import replace

from shared.dicom.references import SeriesRef, StudyRef
from shared.records import HeldClaim, InstanceRecord, PutOutcome
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


def held(record: InstanceRecord, *, serves: bool = True) -> HeldClaim:
    """Return the claim that a record stands for."""
    return HeldClaim(record.ref, record.location.key, record.location.etag, serves)


class InstanceRepairContract(ArchiveContract):
    """See ArchiveContract for the fixture to override."""

    async def test_every_claim_is_scanned(self, archive: Archive) -> None:
        """Those that serve and spares; removed ones no more; those of one series by itself too."""
        first, spare = a_record(key=a_key("a")), a_record(key=a_key("b"), age=1, etag='"2"')
        other = a_record(an_instance(series="1.2.3.40"))
        gone = a_record(an_instance(instance="1.2.3.4.6"))
        for record in (first, spare, other, gone):
            await archive.index.put([record])
        await archive.index.remove(gone.ref, gone.location.key)

        of_series = [held(first), held(spare, serves=False)]
        found = [claim async for claim in archive.index.claims_in(first.ref.series)]
        assert sorted(found, key=lambda claim: claim.key) == of_series
        of_study = [claim async for claim in archive.index.claims_in(first.ref.study)]
        assert sorted(of_study, key=lambda claim: (claim.ref, claim.key)) == [*of_series, held(other)]
        assert [claim async for claim in archive.index.claims_in(StudyRef("1.2"))] == []
        found = [claim async for claim in archive.index.scan()]
        assert sorted(found, key=lambda claim: (claim.ref, claim.key)) == [*of_series, held(other)]

    async def test_a_scan_goes_on_after_any_series(self, archive: Archive) -> None:
        """Series of a study come together, and what follows one of them is what a whole scan has after it."""
        refs = [
            an_instance(f"1.2.{study}", f"1.2.{study}.{series}", f"1.2.{study}.{series}.{instance}")
            for study in range(12)
            for series in (1, 10, 2)
            for instance in (1, 2)
        ]
        for ref in refs:
            await archive.index.put([a_record(ref)])

        whole = [claim.ref async for claim in archive.index.scan()]
        assert sorted(whole) == sorted(refs)
        order: list[SeriesRef] = list(dict.fromkeys(ref.series for ref in whole))
        assert [ref.series for ref in whole] == [series for series in order for _ in (1, 2)]
        studies = [series.study for series in order]
        assert studies == [study for study in dict.fromkeys(studies) for _ in (1, 2, 3)]
        for number, series in enumerate(order):
            rest = [claim.ref async for claim in archive.index.scan(series)]
            assert rest == whole[2 * (number + 1) :]

    async def test_a_scan_is_of_one_partition(self, open_archive: OpenArchive) -> None:
        """Also where one's name begins the other's."""
        name = fresh_name("p")
        here, there = await open_archive(name), await open_archive(f"{name}.1")
        mine = a_record()
        await here.index.put([mine])
        await there.index.put([a_record(key=a_key("theirs"))])

        assert [claim async for claim in here.index.scan()] == [held(mine)]
        assert [claim async for claim in here.index.scan(mine.ref.series)] == []

    async def test_a_record_made_again_takes_the_place_of_the_kept_one(self, archive: Archive) -> None:
        """It gets another version and its study is due, and the feed says nothing: the same bytes are served."""
        record = a_record()
        name = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B"}]}}
        better = replace(a_record(attributes=name), digest="")
        since = await position(archive.feed)
        await archive.index.put([record])
        assert len(await changes_since(archive, since)) == 1
        before = await archive.index.get(record.ref)

        assert await archive.index.put([better]) == [PutOutcome.UNCHANGED]
        assert as_put(await archive.index.get(record.ref)) == record
        assert await archive.index.renew([better]) == [PutOutcome.UNCHANGED]
        after = await archive.index.get(record.ref)
        assert as_put(after) == better
        assert after.version > before.version
        assert await archive.summaries.due(10) == [record.ref.study]
        assert len(await changes_since(archive, since)) == 1
        assert await archive.summaries.due(10) == []

    async def test_a_spare_made_again_stays_a_spare(self, archive: Archive) -> None:
        """And what is new or changed is put as ever."""
        first, spare = a_record(key=a_key("a")), a_record(key=a_key("b"), age=1)
        await archive.index.put([first])
        await archive.index.put([spare])
        better = replace(spare, warnings=("better",))

        assert await archive.index.renew([better]) == [PutOutcome.SPARE]
        assert as_put(await archive.index.get(first.ref)) == first
        versions = [as_put(record) async for record in archive.index.versions_of(first.ref)]
        assert versions == [first, better]
        new = a_record(an_instance(instance="1.2.3.4.6"))
        assert await archive.index.renew([new]) == [PutOutcome.CREATED]
        changed = a_record(key=a_key("a"), etag='"9"', age=-1)
        assert await archive.index.renew([changed]) == [PutOutcome.UPDATED]
