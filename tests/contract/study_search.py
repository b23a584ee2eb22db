"""What every StudySearch does: it answers as dicom/matching.py judges, in one order, page by page."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.dicom.query import Level, MatchKey, Query, Range, SingleValue, Wildcard
from shared.dicom.references import SeriesRef, StudyRef
from shared.records import InstanceRecord
from tests.contract.records import Archive, OpenArchive, a_record, an_instance, fresh_name
from tests.contract.search_answers import UID_OF, expected_uids, fill, value_of
from tests.contract.search_paging import SearchPagingContract
from tests.contract.strategies import archives, queries

_STUDY_DATE = "00080020"


async def _found(archive: Archive, query: Query) -> tuple[list[str], int | None]:
    page = await archive.search.search(query)
    return [str(value_of(row, UID_OF[query.level])) for row in page.rows], page.total


def _study(uid: str, date: str = "", **values: str) -> InstanceRecord:
    attributes = {_STUDY_DATE: {"vr": "DA", "Value": [date]}} if date else {}
    return a_record(an_instance(uid, f"{uid}.1", f"{uid}.1.1"), attributes=attributes)


class StudySearchContract(SearchPagingContract):
    """See ArchiveContract for the fixture to override."""

    # The method is inherited by the tests of several adapters, and each example opens a partition of its own.
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[
            HealthCheck.differing_executors,
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
        ],
    )
    @given(records=archives(), asked=st.lists(queries(), min_size=1, max_size=6))
    async def test_answers_are_those_of_matching(
        self, open_archive: OpenArchive, records: list[InstanceRecord], asked: list[Query]
    ) -> None:
        """On random records every random search gives what judging each record gives, in order, cut to its page."""
        archive = await open_archive(fresh_name("p"))
        await fill(archive, records)
        for query in asked:
            uids = expected_uids(records, query)

            expected = uids[query.offset : query.offset + query.limit], len(uids)
            assert expected == await _found(archive, query)

    async def test_an_empty_archive_answers_nothing(self, archive: Archive) -> None:
        """No rows, none in all, on every level."""
        for level in UID_OF:
            assert await _found(archive, Query(level, 10)) == ([], 0)

    async def test_the_newest_study_comes_first(self, archive: Archive) -> None:
        """By StudyDate, newest first; of one day by UID as text; without a date last."""
        records = [
            _study("1.9", "20200101"),
            _study("1.2"),
            _study("1.10", "20200101"),
            _study("1.3", "20210101"),
        ]
        await fill(archive, [*records, _study("1.1", "19991231"), _study("1.11")])

        expected = ["1.3", "1.10", "1.9", "1.1", "1.11", "1.2"]
        assert (expected, 6) == await _found(archive, Query("study", 10))

    async def test_series_and_instances_follow_their_study(self, archive: Archive) -> None:
        """Series come in the order of studies, then by UID as text; instances likewise within them."""
        days = {"1.2": "20200101", "1.3": "20210101"}
        records = [
            a_record(
                an_instance(study, f"{study}.{series}", f"{study}.{series}.{number}"),
                attributes={_STUDY_DATE: {"vr": "DA", "Value": [day]}},
            )
            for study, day in days.items()
            for series in (9, 10)
            for number in (2, 10)
        ]
        await fill(archive, records)

        series = ["1.3.10", "1.3.9", "1.2.10", "1.2.9"]
        assert (series, 4) == await _found(archive, Query("series", 10))
        expected = [f"{uid}.{number}" for uid in series for number in (10, 2)]
        assert (expected, 8) == await _found(archive, Query("instance", 10))
        assert await _found(archive, Query("instance", 10, SeriesRef("1.2", "1.2.9"))) == (
            ["1.2.9.10", "1.2.9.2"],
            2,
        )

    async def test_pages_join_to_the_whole(self, archive: Archive) -> None:
        """Pages neither repeat nor leave out a row, and each tells how many there are; past the end they are empty."""
        await fill(archive, [_study(f"1.{number}", f"2020010{number % 3 + 1}") for number in range(1, 14)])
        whole, total = await _found(archive, Query("study", 100))
        assert (len(whole), total) == (13, 13)

        paged: list[str] = []
        for offset in range(0, 16, 3):
            page = await _found(archive, Query("study", 3, offset=offset))
            assert (whole[offset : offset + 3], 13) == page
            paged += page[0]
        assert whole == paged

    async def test_rows_tell_of_their_level_and_those_above(self, archive: Archive) -> None:
        """An instance's row can be held against attributes of its series and study, and bears their values."""
        attributes = {
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^John"}]},
            "00080060": {"vr": "CS", "Value": ["CT"]},
            "00200013": {"vr": "IS", "Value": [7]},
        }
        await fill(archive, [a_record(attributes=attributes)])
        key = MatchKey(("00100010",), "PN", SingleValue("doe^john"))

        shown: dict[Level, list[str]] = {
            "study": ["00100010"],
            "series": ["00100010", "00080060"],
            "instance": ["00100010", "00080060", "00200013"],
        }
        for level, tags in shown.items():
            (row,) = (await archive.search.search(Query(level, 10, keys=(key,)))).rows
            assert {tag: attributes[tag] for tag in tags} == {tag: row[tag] for tag in tags}

    async def test_a_uid_does_not_match_a_longer_one(self, archive: Archive) -> None:
        """UIDs that begin with another's digits are not found for it, neither by key nor by path."""
        await fill(archive, [_study("1.2.3"), _study("1.2.3.4"), _study("1.2.30")])
        key = MatchKey(("0020000D",), "UI", SingleValue("1.2.3"))

        assert await _found(archive, Query("study", 10, keys=(key,))) == (["1.2.3"], 1)
        assert await _found(archive, Query("series", 10, StudyRef("1.2.3"))) == (["1.2.3.1"], 1)
        assert await _found(archive, Query("series", 10, StudyRef("1.2"))) == ([], 0)
        assert await _found(archive, Query("instance", 10, SeriesRef("1.2.3", "1.2.3.4.1"))) == ([], 0)

    async def test_what_changed_is_found_as_it_is_now(self, archive: Archive) -> None:
        """A study whose patient, day or presence changed is found under the new values and no more under the old."""
        dated = [
            a_record(
                etag=f'"{day}"', age=day, attributes={_STUDY_DATE: {"vr": "DA", "Value": [f"2020010{day}"]}}
            )
            for day in (1, 2)
        ]
        queries_by_day = [
            Query("study", 10, keys=(MatchKey((_STUDY_DATE,), "DA", Range(day, day)),))
            for day in ("20200101", "20200102")
        ]
        await fill(archive, dated[:1])
        assert [(await _found(archive, query))[1] for query in queries_by_day] == [1, 0]
        await fill(archive, dated[1:])
        assert [(await _found(archive, query))[1] for query in queries_by_day] == [0, 1]

        await archive.index.remove(an_instance(), dated[0].location.key)
        await archive.summaries.refresh(an_instance().study)
        assert [(await _found(archive, query))[1] for query in queries_by_day] == [0, 0]

    async def test_partitions_are_searched_by_themselves(self, open_archive: OpenArchive) -> None:
        """No search of one partition sees another's studies, whatever it asks for."""
        name = fresh_name("p")
        here, there = await open_archive(name), await open_archive(f"{name}.1")
        patient = {
            "00100020": {"vr": "LO", "Value": ["P1"]},
            _STUDY_DATE: {"vr": "DA", "Value": ["20200101"]},
        }
        await fill(here, [a_record(attributes=patient)])
        keys = [
            MatchKey((UID_OF["study"],), "UI", SingleValue("1.2.3")),
            MatchKey(("00100020",), "LO", SingleValue("P1")),
            MatchKey(("00100020",), "LO", Wildcard("P*")),
            MatchKey((_STUDY_DATE,), "DA", Range("20200101", "20200101")),
        ]
        for query in [Query("study", 10), *(Query("study", 10, keys=(key,)) for key in keys)]:
            assert await _found(here, query) == (["1.2.3"], 1)
            assert await _found(there, query) == ([], 0)
            assert await _found(there, replace(query, level="instance")) == ([], 0)

    async def test_where_instances_disagree_the_least_decides(self, archive: Archive) -> None:
        """A study and all in it are found for the patient that its first instance with one names, whichever came first."""
        patients = {"1.2.3.2": "P2", "1.2.3.1": "P1", "1.2.3.0": None, "1.2.4.1": "P3"}
        for uid, patient in patients.items():
            values = {"00100020": {"vr": "LO", "Value": [patient]}} if patient else {}
            await fill(archive, [a_record(an_instance("1.2", uid[:5], uid), attributes=values)])

        levels: list[Level] = ["study", "series", "instance"]
        found = {
            patient: [
                (
                    await _found(
                        archive, Query(level, 10, keys=(MatchKey(("00100020",), "LO", SingleValue(patient)),))
                    )
                )[1]
                for level in levels
            ]
            for patient in ("P1", "P2", "P3")
        }
        assert found == {"P1": [1, 2, 4], "P2": [0, 0, 0], "P3": [0, 0, 0]}

    async def test_attributes_of_one_series_are_not_another_s(self, archive: Archive) -> None:
        """Series of one study keep their own modality, and their instances have it even where they lack it."""
        records = [
            a_record(
                an_instance("1.2", "1.2.3", "1.2.3.1"), attributes={"00080060": {"vr": "CS", "Value": ["CT"]}}
            ),
            a_record(an_instance("1.2", "1.2.3", "1.2.3.2")),
            a_record(
                an_instance("1.2", "1.2.4", "1.2.4.1"), attributes={"00080060": {"vr": "CS", "Value": ["MR"]}}
            ),
        ]
        await fill(archive, records)
        key = MatchKey(("00080060",), "CS", SingleValue("CT"))

        assert await _found(archive, Query("series", 10, keys=(key,))) == (["1.2.3"], 1)
        assert await _found(archive, Query("instance", 10, keys=(key,))) == (["1.2.3.1", "1.2.3.2"], 2)
