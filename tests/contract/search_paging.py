"""What every StudySearch does page by page, each after the last position of the one before. A part of study_search.py."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.dicom.query import MatchKey, Position, Query, Range, SingleValue
from shared.dicom.references import SeriesRef
from shared.dicom.search_order import NO_DAY, position_of
from shared.records import InstanceRecord
from tests.contract.archive import ArchiveContract
from tests.contract.records import Archive, OpenArchive, a_record, an_instance, fresh_name
from tests.contract.search_answers import UID_OF, expected_uids, fill, value_of
from tests.contract.strategies import archives, queries

_MOST_PAGES = 50
_FEW = settings(
    max_examples=15,
    deadline=None,
    # The methods are inherited by the tests of several adapters, and each example opens a partition of its own.
    suppress_health_check=[
        HealthCheck.differing_executors,
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
)


async def _page(archive: Archive, query: Query) -> tuple[list[str], Position | None]:
    """Return the UIDs of a page and where the next one begins."""
    page = await archive.search.search(query)
    if query.after is not None:
        assert page.total is None
    if page.last is not None:
        # Rows within a study need not tell its date.
        assert page.last == replace(position_of(query.level, page.rows[-1]), day=page.last.day)
    return [str(value_of(row, UID_OF[query.level])) for row in page.rows], page.last


async def _walked(archive: Archive, query: Query) -> list[list[str]]:
    """Return the UIDs of each page from the beginning to the end."""
    pages: list[list[str]] = []
    for _ in range(_MOST_PAGES):
        uids, last = await _page(archive, query)
        pages.append(uids)
        if last is None:
            return pages
        query = replace(query, after=last, offset=0)
    raise AssertionError("the walk never came to its end")


def _study(uid: str, date: str = "", patient: str = "P1") -> InstanceRecord:
    attributes = {"00100020": {"vr": "LO", "Value": [patient]}}
    if date:
        attributes["00080020"] = {"vr": "DA", "Value": [date]}
    return a_record(an_instance(uid, f"{uid}.1", f"{uid}.1.1"), attributes=attributes)


class SearchPagingContract(ArchiveContract):
    """See ArchiveContract for the fixture to override."""

    @_FEW
    @given(records=archives(), asked=st.lists(queries(), min_size=1, max_size=3), limit=st.integers(1, 3))
    async def test_walking_gives_the_whole(
        self, open_archive: OpenArchive, records: list[InstanceRecord], asked: list[Query], limit: int
    ) -> None:
        """Any search, in pages of any size: the same rows in the same order, all pages full but the last."""
        archive = await open_archive(fresh_name("p"))
        await fill(archive, records)
        for query in asked:
            whole = expected_uids(records, query)[query.offset :]

            pages = await _walked(archive, replace(query, limit=limit))

            assert whole == [uid for page in pages for uid in page]
            assert [limit] * (len(pages) - 1) == [len(page) for page in pages[:-1]]

    @_FEW
    @given(records=archives(), data=st.data())
    async def test_what_stays_is_found_once_while_others_come_and_go(
        self, open_archive: OpenArchive, records: list[InstanceRecord], data: st.DataObject
    ) -> None:
        """Between two pages anything may be stored or deleted: no row comes twice, none that stays is missed."""
        archive = await open_archive(fresh_name("p"))
        fate = {
            record.ref: data.draw(st.sampled_from(["stays", "goes", "comes", "absent"])) for record in records
        }
        await fill(archive, [record for record in records if fate[record.ref] in ("stays", "goes")])
        pending = [record for record in records if fate[record.ref] in ("goes", "comes")]
        query = replace(data.draw(queries()), offset=0, limit=data.draw(st.integers(1, 2)))
        found: list[str] = []
        for _ in range(_MOST_PAGES):
            uids, last = await _page(archive, query)
            found += uids
            if last is None:
                break
            query = replace(query, after=last)
            for record in [pending.pop() for _ in range(min(len(pending), data.draw(st.integers(0, 2))))]:
                if fate[record.ref] == "goes":
                    await archive.index.remove(record.ref, record.location.key)
                else:
                    await archive.index.put([record])
                await archive.summaries.refresh(record.ref.study)
        assert last is None, "the walk never came to its end"

        staying = [record for record in records if fate[record.ref] == "stays"]
        ever = [record for record in records if fate[record.ref] != "absent"]
        assert len(found) == len(set(found))
        assert set(expected_uids(staying, query)) <= set(found) <= set(expected_uids(ever, query))

    async def test_what_the_last_page_ended_with_may_go(self, archive: Archive) -> None:
        """A position is a place, not a row: the next page begins behind it though it is deleted by then."""
        records = [_study(f"1.{number}", "20200101") for number in range(1, 6)]
        await fill(archive, records)
        first, last = await _page(archive, Query("study", 2))
        for record in records[:2]:
            await archive.index.remove(record.ref, record.location.key)
            await archive.summaries.refresh(record.ref.study)
        await fill(
            archive, [_study("1.0", "20200101"), _study("1.6", "20210101"), _study("1.25", "20200101")]
        )

        assert (first, last is not None) == (["1.1", "1.2"], True)
        assert await _walked(archive, Query("study", 2, after=last)) == [["1.25", "1.3"], ["1.4", "1.5"]]

    async def test_a_page_may_begin_at_any_place(self, archive: Archive) -> None:
        """Between days, behind the last day, before and within the studies without one; by each key alike."""
        dates = {"1.1": "20210101", "1.2": "20200102", "1.3": "20200101", "1.4": "", "1.5": ""}
        await fill(archive, [_study(uid, date) for uid, date in dates.items()])
        patient = MatchKey(("00100020",), "LO", SingleValue("P1"))
        since = MatchKey(("00080020",), "DA", Range("20000101", None))
        for keys, uids in ((), "12345"), ((patient,), "12345"), ((since,), "123"), ((patient, since), "123"):
            for after, begin in (
                (Position("79789898", "1.0"), 1),
                (Position("79789898", "1.9"), 2),
                (Position("79799896", "1.1"), 2),
                (Position("79799897", "1.2"), 3),
                (Position("79799898", "1.3"), 4),
                (Position(NO_DAY, "1.0"), 4),
                (Position(NO_DAY, "1.4"), 5),
                (Position(NO_DAY, "1.5"), 6),
            ):
                found, _ = await _page(archive, Query("study", 10, keys=keys, after=after))
                assert found == [f"1.{uid}" for uid in uids if int(uid) >= begin]

    async def test_a_walk_within_one_series_reads_on_from_its_place(self, archive: Archive) -> None:
        """In the order of UIDs as text, whatever the number of instances."""
        refs = [an_instance("1.2", "1.2.3", f"1.2.3.{number}") for number in range(1, 26)]
        await archive.index.put([a_record(ref) for ref in refs])
        await archive.index.put([a_record(refs[3], key=None, age=5)])
        await archive.summaries.refresh(refs[0].study)

        pages = await _walked(archive, Query("instance", 7, SeriesRef("1.2", "1.2.3")))

        assert [len(page) for page in pages] == [7, 7, 7, 4]
        assert sorted(ref.sop_instance_uid for ref in refs) == [uid for page in pages for uid in page]
