"""What every CaseIndex and every Reports does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.case_views import VIEWS
from shared.errors import ConcurrentChangeError, ObjectExistsError
from shared.ports.cases import CaseIndex, Checkpoints, Reports
from shared.records import CaseImage, CaseQuery, CaseSummary, Checkpoint, ObjectKey
from tests.contract.records import a_key, an_instance

type WriteReport = Callable[[str, str, str], Awaitable[None]]
"""Writes a report past the port: year, case id, text."""

ODD_CASE_IDS = ["7", "07", "7/8", "7#", "a?b", "50% off", "A b", "a b", "Ä\\1", "o'hara", "x" * 60]


def an_image(
    view: str, name: str, *, year: str = "2024", case_id: str = "7", container: str = "images"
) -> CaseImage:
    """Return an image of a case."""
    return CaseImage(year, case_id, view, ObjectKey(container, name), an_instance())


class CaseIndexContract:
    """An adapter's test file overrides one fixture: an index that is empty at the beginning of each test."""

    @pytest.fixture
    def cases(self) -> CaseIndex:
        raise NotImplementedError

    async def test_images_come_by_view_and_name(self, cases: CaseIndex) -> None:
        """Every image of the case as it was put, in the order of views, then of object names."""
        images = [an_image("LCC", "b"), an_image("LCC", "c"), an_image("LMLO", "a"), an_image("RCC", "A/1")]
        for image in reversed(images):
            await cases.put([image])

        assert images == await cases.images_of("2024", "7")

    async def test_the_same_image_again_is_one(self, cases: CaseIndex) -> None:
        """An event that comes twice does not double an image; what it says last counts."""
        again = CaseImage("2024", "7", "LCC", a_key("a"), an_instance(instance="1.2.3.4.6"))
        await cases.put([an_image("LCC", "a")])
        await cases.put([again])

        assert [again] == await cases.images_of("2024", "7")

    async def test_one_name_in_two_containers_is_two_images(self, cases: CaseIndex) -> None:
        """An object is known by container and name."""
        images = [an_image("LCC", "a", container="one"), an_image("LCC", "a", container="two")]
        for image in images:
            await cases.put([image])

        found = await cases.images_of("2024", "7")
        assert images == sorted(found, key=lambda image: image.key)

    async def test_cases_are_told_apart_exactly(self, cases: CaseIndex) -> None:
        """Ids are text: leading zeros, letter case and any character count, and no id is a prefix of another."""
        for case_id in ODD_CASE_IDS:
            await cases.put([an_image("LCC", case_id, case_id=case_id)])
        await cases.put([an_image("LCC", "other year", year="2023")])

        for case_id in ODD_CASE_IDS:
            assert [case_id] == [image.key.name for image in await cases.images_of("2024", case_id)]
        assert await cases.images_of("2024", "") == []
        assert await cases.images_of("202", "47") == []

    async def test_views_and_names_may_hold_any_character(self, cases: CaseIndex) -> None:
        """Views and object names come back as they were, and can be removed."""
        images = [an_image("L/CC #1?", "x" * 1024), an_image("右\\", "a b#c?d%e\\f/日本.dcm")]
        for image in images:
            await cases.put([image])
        assert images == await cases.images_of("2024", "7")

        for image in images:
            await cases.remove("2024", "7", image.view, image.key)
        assert await cases.images_of("2024", "7") == []

    async def test_a_removed_image_is_gone(self, cases: CaseIndex) -> None:
        """Removing is idempotent and exact: another view, case or object is not touched."""
        stays = an_image("LCC", "b")
        for image in (an_image("LCC", "a"), stays):
            await cases.put([image])
        await cases.remove("2024", "7", "LCC", a_key("a"))
        await cases.remove("2024", "7", "LCC", a_key("a"))
        await cases.remove("2024", "7", "RCC", a_key("b"))
        await cases.remove("2023", "7", "LCC", a_key("b"))

        assert [stays] == await cases.images_of("2024", "7")

    async def test_a_duplicate_is_told(self, cases: CaseIndex) -> None:
        """The first of a view by object key stands for it, whatever came first; all are kept."""
        assert await cases.put([an_image("L__CC", "b")]) == [False]
        assert await cases.put([an_image("L__CC", "a"), an_image("L__CC", "c"), an_image("R__CC", "c")]) == [
            False,
            True,
            False,
        ]
        assert await cases.put([an_image("L__CC", "b")]) == [True]
        assert len(await cases.images_of("2024", "7")) == 4

    async def test_a_separator_in_an_id_leads_to_no_other_case(self, cases: CaseIndex) -> None:
        """What joins the parts of a key is escaped where it stands in one."""
        for year, case_id in (("2024", "a!b"), ("2024!a", "b"), ("2024", "a")):
            await cases.put([an_image("L__CC", year + case_id, year=year, case_id=case_id)])
        for year, case_id in (("2024", "a!b"), ("2024!a", "b"), ("2024", "a")):
            [image] = await cases.images_of(year, case_id)
            assert image.key.name == year + case_id

    async def test_cases_are_listed_in_order(self, cases: CaseIndex) -> None:
        """By year, then by id, character by character; a year or the beginning of an id narrows."""
        wanted = [
            ("2023", "S1"),
            ("2023", "S10"),
            ("2024", " "),
            ("2024", "!"),
            ("2024", "S/1"),
            ("2024", "S1"),
        ]
        for year, case_id in reversed(wanted):
            await cases.put([an_image("L__CC", "a", year=year, case_id=case_id)])

        assert await listed(cases) == wanted
        assert await listed(cases, year="2023") == wanted[:2]
        assert await listed(cases, year="202") == []
        assert await listed(cases, id_prefix="S1") == [wanted[0], wanted[1], wanted[5]]
        assert await listed(cases, id_prefix="S/", year="2024") == [wanted[4]]

    async def test_a_list_is_paged(self, cases: CaseIndex) -> None:
        """Pages that begin after the last case of the page before hold every case once."""
        wanted = [(str(year), f"S{number}") for year in (2022, 2023, 2024) for number in range(5)]
        for year, case_id in wanted:
            await cases.put([an_image("L__CC", "a", year=year, case_id=case_id)])
        for limit in (1, 3, 5, 100):
            found: list[tuple[str, str]] = []
            while page := await cases.page(CaseQuery(limit, after=found[-1] if found else None)):
                assert len(page) == limit or len(found) + len(page) == len(wanted)
                found += [(case.year, case.case_id) for case in page]
            assert found == wanted

    async def test_the_list_says_what_there_is(self, cases: CaseIndex) -> None:
        """Complete with the four views and the report; it follows what comes and goes."""
        for view in VIEWS:
            await cases.put([an_image(view, view)])
        await cases.put([an_image("L__CC", "again")])
        views = {"L__CC": 2, "L__MLO": 1, "R__CC": 1, "R__MLO": 1}
        partial = CaseSummary("2024", "7", views, has_report=False, complete=False)
        assert await cases.page(CaseQuery(10)) == [partial]
        assert await cases.page(CaseQuery(10, complete=False)) == [partial]
        assert await cases.page(CaseQuery(10, complete=True)) == []

        await cases.note_report("2024", "7", present=True)
        await cases.note_report("2024", "7", present=True)
        whole = CaseSummary("2024", "7", views, has_report=True, complete=True)
        assert await cases.page(CaseQuery(10)) == [whole]
        assert await cases.page(CaseQuery(10, complete=True)) == [whole]
        assert await cases.page(CaseQuery(10, complete=False)) == []

        for view in VIEWS:
            await cases.remove("2024", "7", view, a_key(view))
        await cases.remove("2024", "7", "L__CC", a_key("again"))
        only_report = CaseSummary("2024", "7", {}, has_report=True, complete=False)
        assert await cases.page(CaseQuery(10)) == [only_report]
        await cases.note_report("2024", "7", present=False)
        for complete in (None, True, False):
            assert await cases.page(CaseQuery(10, complete=complete)) == []

    async def test_several_writers_of_one_case_lose_nothing(self, cases: CaseIndex) -> None:
        """Whoever comes last has seen what the others did."""
        await asyncio.gather(*(cases.put([an_image(view, view)]) for view in VIEWS))
        await asyncio.gather(
            cases.remove("2024", "7", "L__CC", a_key("L__CC")), cases.put([an_image("L__CC", "other")])
        )
        [case] = await cases.page(CaseQuery(10))
        assert case.views == dict.fromkeys(VIEWS, 1)


async def listed(cases: CaseIndex, *, year: str | None = None, id_prefix: str = "") -> list[tuple[str, str]]:
    """Return year and id of the cases that are listed."""
    page = await cases.page(CaseQuery(100, year=year, id_prefix=id_prefix))
    return [(case.year, case.case_id) for case in page]


class CheckpointsContract:
    """An adapter's test file overrides one fixture: checkpoints, none at first."""

    @pytest.fixture
    def checkpoints(self) -> Checkpoints:
        raise NotImplementedError

    async def test_a_checkpoint_is_kept_until_it_is_removed(self, checkpoints: Checkpoints) -> None:
        """As it was written last; removing is idempotent."""
        assert await checkpoints.get("a") is None
        one = await checkpoints.put("a", "1", seen=None)
        two = await checkpoints.put("a", '{"x": "é"}', seen=one)
        assert await checkpoints.get("a") == two == Checkpoint('{"x": "é"}')
        assert await checkpoints.get("b") is None
        await checkpoints.remove("a")
        await checkpoints.remove("a")
        assert await checkpoints.get("a") is None

    async def test_two_that_go_on_from_one_checkpoint_are_told(self, checkpoints: Checkpoints) -> None:
        """The second is refused, whether it saw an older one or none."""
        one = await checkpoints.put("a", "1", seen=None)
        await checkpoints.put("a", "2", seen=one)
        for seen in (one, None):
            with pytest.raises(ConcurrentChangeError):
                await checkpoints.put("a", "3", seen=seen)
        assert await checkpoints.get("a") == Checkpoint("2")


class ReportsContract:
    """An adapter's test file overrides two fixtures: reports, none at first, and a way to write one past the port."""

    @pytest.fixture
    def reports(self) -> Reports:
        raise NotImplementedError

    @pytest.fixture
    def write_report(self) -> WriteReport:
        raise NotImplementedError

    async def test_reports_are_told_apart_exactly(self, reports: Reports, write_report: WriteReport) -> None:
        """A report belongs to one year and one id, character by character."""
        for case_id in ODD_CASE_IDS:
            await write_report("2024", case_id, f"text of {case_id}")
        await write_report("2023", "7", "of another year")

        for case_id in ODD_CASE_IDS:
            assert f"text of {case_id}" == await reports.get("2024", case_id)
        assert await reports.get("2023", "7") == "of another year"

    async def test_a_missing_report_is_none(self, reports: Reports, write_report: WriteReport) -> None:
        """C000-7: neither a part of an id nor another year finds a report, nor what would be a filter."""
        await write_report("2024", "78", "text")

        assert None is await reports.get("2024", "7")
        assert None is await reports.get("2024", "780")
        assert None is await reports.get("2023", "78")
        for odd in ("7' or id ne '", "78''", "' or '1' eq '1"):
            assert None is await reports.get("2024", odd)
            assert None is await reports.get(odd, "78")

    async def test_a_report_keeps_its_text(self, reports: Reports, write_report: WriteReport) -> None:
        """Lines, quotes and letters of any script are kept, and so is a report without text."""
        text = "Befund:\r\n\tunauffällig: «ok» 日本 'quoted' \"too\"\n"
        await write_report("2024", "7", text)
        await write_report("2024", "8", "")

        assert text == await reports.get("2024", "7")
        assert await reports.get("2024", "8") == ""

    async def test_a_report_is_written_and_replaced(
        self, reports: Reports, write_report: WriteReport
    ) -> None:
        """C000-7: ids with quotes are ids; what is written goes before what others wrote."""
        for case_id in ODD_CASE_IDS:
            await reports.put("2024", case_id, f"first {case_id}")
            await reports.put("2024", case_id, f"text of {case_id}")
        for case_id in ODD_CASE_IDS:
            assert f"text of {case_id}" == await reports.get("2024", case_id)
        await write_report("2024", "other", "theirs")
        await reports.put("2024", "other", "ours")
        assert await reports.get("2024", "other") == "ours"

    async def test_a_report_may_be_written_only_where_there_is_none(
        self, reports: Reports, write_report: WriteReport
    ) -> None:
        """Neither ours nor another's is replaced."""
        await write_report("2024", "theirs", "theirs")
        await reports.put("2024", "ours", "ours", if_absent=True)
        for case_id in ("ours", "theirs"):
            with pytest.raises(ObjectExistsError):
                await reports.put("2024", case_id, "new", if_absent=True)
            assert await reports.get("2024", case_id) == case_id

    @pytest.mark.parametrize("limit", [1, 3, 100])
    async def test_reports_of_others_are_moved_to_keys(
        self, reports: Reports, write_report: WriteReport, limit: int
    ) -> None:
        """C000-7: all are found as before; of two for one case the first, and the other is kept account of."""
        for case_id in ODD_CASE_IDS:
            await write_report("2024", case_id, f"text of {case_id}")
        await reports.put("2024", "ours", "ours")
        await write_report("2024", "ours", "theirs")

        moved, kept = await migrated(reports, limit)
        assert (moved, kept) == (len(ODD_CASE_IDS), 1)
        for case_id in ODD_CASE_IDS:
            assert f"text of {case_id}" == await reports.get("2024", case_id)
        assert await reports.get("2024", "ours") == "ours"
        assert await migrated(reports, limit) == (0, 1)

    async def test_moving_reports_again_finds_what_came_since(
        self, reports: Reports, write_report: WriteReport
    ) -> None:
        """Until then it is not looked for: a report that is missing costs no search any more."""
        await migrated(reports, 10)
        await write_report("2024", "late", "text")
        assert await reports.get("2024", "late") is None
        assert await migrated(reports, 10) == (1, 0)
        assert await reports.get("2024", "late") == "text"


async def migrated(reports: Reports, limit: int) -> tuple[int, int]:
    """Move all reports to their keys; return how many were moved and how many kept."""
    moved = kept = 0
    after: str | None = ""
    while after is not None:
        page = await reports.migrate(after, limit)
        moved, kept, after = moved + page.moved, kept + page.kept, page.after
    return moved, kept
