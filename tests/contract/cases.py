"""What every CaseIndex and every Reports does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from shared.ports import CaseIndex, Reports
from shared.records import CaseImage, ObjectKey
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
            await cases.put(image)

        assert images == await cases.images_of("2024", "7")

    async def test_the_same_image_again_is_one(self, cases: CaseIndex) -> None:
        """An event that comes twice does not double an image; what it says last counts."""
        again = CaseImage("2024", "7", "LCC", a_key("a"), an_instance(instance="1.2.3.4.6"))
        await cases.put(an_image("LCC", "a"))
        await cases.put(again)

        assert [again] == await cases.images_of("2024", "7")

    async def test_one_name_in_two_containers_is_two_images(self, cases: CaseIndex) -> None:
        """An object is known by container and name."""
        images = [an_image("LCC", "a", container="one"), an_image("LCC", "a", container="two")]
        for image in images:
            await cases.put(image)

        found = await cases.images_of("2024", "7")
        assert images == sorted(found, key=lambda image: image.key)

    async def test_cases_are_told_apart_exactly(self, cases: CaseIndex) -> None:
        """Ids are text: leading zeros, letter case and any character count, and no id is a prefix of another."""
        for case_id in ODD_CASE_IDS:
            await cases.put(an_image("LCC", case_id, case_id=case_id))
        await cases.put(an_image("LCC", "other year", year="2023"))

        for case_id in ODD_CASE_IDS:
            assert [case_id] == [image.key.name for image in await cases.images_of("2024", case_id)]
        assert await cases.images_of("2024", "") == []
        assert await cases.images_of("202", "47") == []

    async def test_views_and_names_may_hold_any_character(self, cases: CaseIndex) -> None:
        """Views and object names come back as they were, and can be removed."""
        images = [an_image("L/CC #1?", "x" * 1024), an_image("右\\", "a b#c?d%e\\f/日本.dcm")]
        for image in images:
            await cases.put(image)
        assert images == await cases.images_of("2024", "7")

        for image in images:
            await cases.remove("2024", "7", image.view, image.key)
        assert await cases.images_of("2024", "7") == []

    async def test_a_removed_image_is_gone(self, cases: CaseIndex) -> None:
        """Removing is idempotent and exact: another view, case or object is not touched."""
        stays = an_image("LCC", "b")
        for image in (an_image("LCC", "a"), stays):
            await cases.put(image)
        await cases.remove("2024", "7", "LCC", a_key("a"))
        await cases.remove("2024", "7", "LCC", a_key("a"))
        await cases.remove("2024", "7", "RCC", a_key("b"))
        await cases.remove("2023", "7", "LCC", a_key("b"))

        assert [stays] == await cases.images_of("2024", "7")


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
        """Neither a part of an id nor another year finds a report."""
        await write_report("2024", "78", "text")

        assert None is await reports.get("2024", "7")
        assert None is await reports.get("2024", "780")
        assert None is await reports.get("2023", "78")
        assert None is await reports.get("2024", "7' or id ne '")

    async def test_a_report_keeps_its_text(self, reports: Reports, write_report: WriteReport) -> None:
        """Lines, quotes and letters of any script are kept, and so is a report without text."""
        text = "Befund:\r\n\tunauffällig: «ok» 日本 'quoted' \"too\"\n"
        await write_report("2024", "7", text)
        await write_report("2024", "8", "")

        assert text == await reports.get("2024", "7")
        assert await reports.get("2024", "8") == ""
