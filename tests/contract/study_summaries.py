"""What every StudySummaries does: which studies are due, and what they add up to once refreshed."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.dicom.query import Level, MatchKey, Query, SingleValue
from shared.dicom.references import StudyRef
from shared.records import Json
from tests.contract.archive import ArchiveContract
from tests.contract.records import Archive, OpenArchive, a_key, a_record, an_instance, fresh_name

MODALITIES_IN_STUDY = "00080061"
STUDY_SERIES, STUDY_INSTANCES, SERIES_INSTANCES = "00201206", "00201208", "00201209"


def modality(name: str) -> Json:
    """Return the attributes of a record of one modality."""
    return {"00080060": {"vr": "CS", "Value": [name]}}


async def rows(archive: Archive, level: Level, within: StudyRef | None = None) -> list[Json]:
    """Return the search rows of a level."""
    return (await archive.search.search(Query(level, 100, within))).rows


def value(row: Json, tag: str) -> Any:
    """Return the first value of an attribute, None if it has none."""
    return next(iter(row[tag].get("Value", [])), None)


async def counts(archive: Archive, study: str) -> tuple[int, int]:
    """Return how many series and instances the summary of a study tells."""
    key = MatchKey(("0020000D",), "UI", SingleValue(study))
    (row,) = (await archive.search.search(Query("study", 100, keys=(key,)))).rows
    return value(row, STUDY_SERIES), value(row, STUDY_INSTANCES)


class StudySummariesContract(ArchiveContract):
    """See ArchiveContract for the fixture to override."""

    async def test_nothing_is_due_at_first(self, archive: Archive) -> None:
        """A partition that nothing was put into has no study to refresh, and refreshing one is no error."""
        assert await archive.summaries.due(10) == []
        await archive.summaries.refresh(StudyRef("1.2.3"))

        assert await rows(archive, "study") == []

    async def test_a_changed_study_is_due_until_it_is_refreshed(self, archive: Archive) -> None:
        """Each kind of change makes its study due; refreshing ends that."""
        ref, study = an_instance(), an_instance().study
        changes = [
            archive.index.put([a_record(key=a_key("a"), age=1)]),
            archive.index.put([a_record(key=a_key("a"), age=2, etag='"2"')]),
            archive.index.put([a_record(key=a_key("b"), age=1)]),
            archive.index.remove(ref, a_key("b")),
            archive.index.remove(ref, a_key("a")),
        ]
        for change in changes:
            await change
            assert [study] == await archive.summaries.due(10)
            await archive.summaries.refresh(study)
            assert await archive.summaries.due(10) == []

    async def test_what_changes_nothing_makes_nothing_due(self, archive: Archive) -> None:
        """Repeated, refused and spare claims leave the summary as right as it was."""
        await archive.index.put([a_record(key=a_key("a"))])
        await archive.summaries.refresh(an_instance().study)
        await archive.index.put([a_record(key=a_key("a"))])
        await archive.index.put([a_record(key=a_key("b"), age=1)], if_absent=True)
        await archive.index.put([a_record(key=a_key("b"), age=1)])
        await archive.index.remove(an_instance(), a_key("b"))
        await archive.index.remove(an_instance(), a_key("c"))

        assert await archive.summaries.due(10) == []

    async def test_the_longest_waiting_is_due_first(self, archive: Archive) -> None:
        """Studies are due in the order in which they fell behind; one that changes again keeps its place."""
        studies = ["1.2.3.4", "1.2", "1.2.3", "9"]
        for study in [*studies, "1.2.3.4"]:
            # Adapters may order by the clock, to the millisecond.
            await asyncio.sleep(0.003)
            await archive.index.put(
                [a_record(an_instance(study), etag=f'"{asyncio.get_running_loop().time()}"')]
            )

        assert [StudyRef(study) for study in studies] == await archive.summaries.due(10)
        assert [StudyRef(study) for study in studies[:2]] == await archive.summaries.due(2)
        await archive.summaries.refresh(StudyRef("1.2"))
        assert [StudyRef(study) for study in ("1.2.3.4", "1.2.3")] == await archive.summaries.due(2)

    async def test_a_study_tells_what_it_adds_up_to(self, archive: Archive) -> None:
        """Series, instances and modalities of a refreshed study are those that serve."""
        for series, name, count in (("1.2.9", "MR", 3), ("1.2.10", "CT", 2), ("1.2.10.1", "CT", 1)):
            refs = [an_instance("1.2.3", series, f"{series}.{number}") for number in range(1, count + 1)]
            await archive.index.put([a_record(ref, attributes=modality(name)) for ref in refs])
        await archive.index.put([a_record(an_instance("1.2.3.4"), attributes=modality("US"))])
        spare = a_record(an_instance("1.2.3", "1.2.9", "1.2.9.1"), key=a_key("spare"), age=9)
        await archive.index.put([spare])
        for study in ("1.2.3", "1.2.3.4"):
            await archive.summaries.refresh(StudyRef(study))

        (row,) = await rows(archive, "study", StudyRef("1.2.3"))
        assert (value(row, STUDY_SERIES), value(row, STUDY_INSTANCES)) == (3, 6)
        assert sorted(row[MODALITIES_IN_STUDY]["Value"]) == ["CT", "MR"]
        found = await rows(archive, "series", StudyRef("1.2.3"))
        assert [value(row, SERIES_INSTANCES) for row in found] == [2, 1, 3]

    async def test_counts_follow_every_change(self, archive: Archive) -> None:
        """After each refresh the counts are those of that moment, and a study without instances is gone."""
        refs = [an_instance(series=f"1.2.{n}", instance=f"1.2.{n}.{m}") for n in (1, 2) for m in (1, 2)]
        seen = []
        for ref in refs:
            await archive.index.put([a_record(ref)])
            await archive.summaries.refresh(ref.study)
            seen.append(await counts(archive, "1.2.3"))
        for ref in refs[:-1]:
            await archive.index.remove(ref, a_record(ref).location.key)
            await archive.summaries.refresh(ref.study)
            seen.append(await counts(archive, "1.2.3"))
        assert seen == [(1, 1), (1, 2), (2, 3), (2, 4), (2, 3), (1, 2), (1, 1)]

        await archive.index.remove(refs[-1], a_record(refs[-1]).location.key)
        await archive.summaries.refresh(refs[-1].study)
        assert await rows(archive, "study") == []
        assert await rows(archive, "instance") == []

    async def test_concurrent_changes_and_refreshes_end_right(self, archive: Archive) -> None:
        """Of instances put at once, each followed by a refresh, none is missing from the counts afterwards."""
        refs = [an_instance(series=f"1.2.{n % 2 + 1}", instance=f"1.2.3.{n}") for n in range(1, 13)]

        async def put_and_refresh(number: int) -> None:
            await archive.index.put([a_record(refs[number])])
            await archive.summaries.refresh(refs[number].study)

        await asyncio.gather(*(put_and_refresh(number) for number in range(len(refs))))

        assert await counts(archive, "1.2.3") == (2, 12)
        assert await archive.summaries.due(10) == []

    async def test_partitions_have_their_own_summaries(self, open_archive: OpenArchive) -> None:
        """The same study in two partitions is due, counted and found in each by itself."""
        name = fresh_name("p")
        here, there = await open_archive(name), await open_archive(f"{name}.1")
        await here.index.put([a_record(an_instance(instance=f"1.2.{number}")) for number in (1, 2)])
        assert await there.summaries.due(10) == []
        await there.index.put([a_record()])
        await there.summaries.refresh(StudyRef("1.2.3"))

        assert [StudyRef("1.2.3")] == await here.summaries.due(10)
        await here.summaries.refresh(StudyRef("1.2.3"))
        assert await counts(here, "1.2.3") == (1, 2)
        assert await counts(there, "1.2.3") == (1, 1)

    async def test_a_summary_that_is_not_behind_can_be_made_anew(self, archive: Archive) -> None:
        """It says the same, and is not behind after; also for a study that is not there."""
        await archive.index.put([a_record(attributes=modality("CT"))])
        study = an_instance().study
        await archive.summaries.refresh(study)
        before = await rows(archive, "study")
        await archive.summaries.rebuild(study)
        await archive.summaries.rebuild(StudyRef("1.2.9"))

        assert await rows(archive, "study") == before
        assert await counts(archive, "1.2.3") == (1, 1)
        assert await archive.summaries.due(10) == []
