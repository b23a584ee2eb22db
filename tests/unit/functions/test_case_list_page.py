"""The list of cases for people: found from the start page, and leading to each case."""

import pytest

from tests.unit.functions.case_files import CASE_ID, YEAR, ask, put_case
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service
from tests.unit.functions.test_start_page import HOSTILE, Page, show

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


async def listed(service: Service, query: str = "", accept: str = BROWSER) -> Answer:
    """Ask for the list."""
    return await service.call("list_cases", f"/cases?{query}", headers={"accept": accept})


async def test_the_start_page_leads_to_the_cases(service: Service) -> None:
    """By way of their list; and a case leads back."""
    await put_case(service, without=("R__CC",))
    assert "cases" in Page(await show(service)).links
    page = Page(await listed(service))
    assert f"cases/{YEAR}/{CASE_ID}" in page.links
    assert page.text.count("missing") >= 1
    assert "../../cases" in Page(await ask(service, accept=BROWSER)).links


async def test_who_wants_json_gets_json(service: Service) -> None:
    """As before, and unless told."""
    await put_case(service)
    assert [case["id"] for case in (await listed(service, accept="*/*")).json["cases"]] == [CASE_ID]
    assert (await listed(service, "accept=application/json")).headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("year=&id=&complete=", True),
        ("year=2014&complete=true", True),
        ("year=2015", False),
        ("id=S00", True),
        ("complete=false", False),
    ],
)
async def test_the_form_narrows_the_list(service: Service, query: str, is_found: bool) -> None:  # noqa: FBT001
    """Fields that were left empty do not."""
    await put_case(service)
    service.world.reports.texts[YEAR, CASE_ID] = "text"
    await service.world.cases.note_report(YEAR, CASE_ID, present=True)
    page = Page(await listed(service, query))
    assert (f"cases/{YEAR}/{CASE_ID}" in page.links) == is_found
    assert ("No case matches." in page.text) != is_found


async def test_what_makes_no_sense_is_told_on_a_page(service: Service) -> None:
    """With the status of the error; and no parameter becomes markup."""
    assert (await listed(service, "complete=perhaps")).status == 400
    answer = await listed(service, f"id={HOSTILE.replace('&', '%26')}")
    page = Page(answer)
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "img", "object"})
    assert "script-src" not in answer.headers["content-security-policy"]
