"""A case as JSON and as a page: what is in it, what is missing, what it costs, and that nothing in it can run."""

import html
import logging
import re

import orjson
import pytest

from tests.unit.flows.builders import to_file
from tests.unit.functions.case_files import (
    CASE_ID,
    COLUMNS,
    REPORT,
    ROWS,
    VIEWS,
    YEAR,
    a_view,
    ask,
    count_calls,
    name_of,
    put,
    put_case,
)
from tests.unit.functions.service import Service
from tests.unit.functions.test_start_page import HOSTILE, Page

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


async def test_a_case_has_its_four_views_and_its_report(service: Service) -> None:
    """C000-3: with all that is needed to fetch and to show them."""
    files = await put_case(service)
    case = (await ask(service)).json
    assert (case["year"], case["id"], case["report"], case["missing"]) == (YEAR, CASE_ID, REPORT, [])
    assert sorted(case["views"]) == sorted(VIEWS)
    view = case["views"]["R__MLO"]
    assert view["url"].startswith("http://testserver/dicomweb/studies/")
    assert view["picture"] == f"http://testserver/cases/{YEAR}/{CASE_ID}/views/R__MLO"
    assert (view["rows"], view["columns"], view["size"]) == (ROWS, COLUMNS, len(files["R__MLO"]))
    assert view["pixel_spacing"] == [0.07, 0.07]
    assert [preset["explanation"] for preset in view["presets"]] == ["Normal", "Softer"]
    assert view["values"] == {
        "bits_allocated": 16,
        "bits_stored": 12,
        "is_signed": False,
        "slope": 1.0,
        "intercept": 0.0,
        "is_inverted": False,
        "padding": None,
    }


async def test_one_id_is_never_another(service: Service) -> None:
    """C000-3: S1 is not S10, nor is a year a part of an id."""
    await put(service, name_of("L__CC", "S1"), to_file(a_view("L__CC", 1)))
    await put(service, name_of("R__CC", "S10"), to_file(a_view("R__CC", 2)))
    one, ten = [(await ask(service, case_id=case_id)).json for case_id in ("S1", "S10")]
    assert (list(one["views"]), list(ten["views"])) == (["L__CC"], ["R__CC"])
    assert (await ask(service, case_id="S")).status == 404
    assert (await ask(service, case_id="S10", year="1")).status == 404


@pytest.mark.parametrize("accept", ["application/json", BROWSER])
async def test_a_case_costs_one_report_one_keyed_query_and_four_records(
    service: Service, accept: str
) -> None:
    """C000-4: no object is read for what is known of them, and nothing is listed."""
    await put_case(service)
    calls = count_calls(service)
    assert (await ask(service, accept=accept)).status == 200
    assert sorted(calls) == ["cases.images_of", *["index.get"] * 4, "reports.get"]


@pytest.mark.parametrize("accept", ["application/json", BROWSER, "application/zip", "image/png"])
async def test_a_miss_lists_nothing(service: Service, accept: str) -> None:
    """C000-4: one keyed query and at most one report, whatever is asked for."""
    await put_case(service)
    calls = count_calls(service)
    answer = await ask(service, "view=L__CC", accept=accept, case_id="S2")
    assert answer.status == 404
    assert set(calls) <= {"cases.images_of", "reports.get"}
    assert len(calls) <= 2


async def test_a_miss_names_each_missing_part_in_a_typed_error(service: Service) -> None:
    """C000-4: and not the case, whose id may be that of a patient."""
    answer = await ask(service, case_id="S2")
    assert (answer.status, answer.json["code"]) == (404, "CaseNotFound")
    assert all(part in answer.json["detail"] for part in (*VIEWS, "report"))
    assert "S2" not in answer.json["detail"]


@pytest.mark.parametrize("accept", ["application/json", BROWSER, "application/zip"])
async def test_a_partial_case_is_an_error_for_who_wants_all(service: Service, accept: str) -> None:
    """C000-5: typed, and naming what is missing; else it comes with a list of that."""
    await put_case(service, without=("L__MLO", "report"))
    assert (await ask(service, accept=accept)).status == 200
    answer = await ask(service, "strict=true", accept=accept)
    assert answer.status == 404
    assert b"L__MLO, report" in answer.body
    if "html" not in accept:
        assert answer.json["code"] == "IncompleteCase"
    assert (await ask(service)).json["missing"] == ["L__MLO", "report"]


async def test_the_year_is_a_number_or_text(service: Service) -> None:
    """C000-6: in an address both are the same."""
    await put_case(service)
    assert (await ask(service, year=str(2014))).json == (await ask(service, year="2014")).json


@pytest.mark.parametrize(
    ("accept", "query", "media_type"),
    [
        ("", "", "application/json"),
        ("*/*", "", "application/json"),
        (BROWSER, "", "text/html; charset=utf-8"),
        (BROWSER, "accept=application/json", "application/json"),
        ("application/zip", "", "application/zip"),
        ("image/png", "view=L__CC", "image/png"),
        ("image/*", "view=L__CC&bits=16", "image/png"),
    ],
)
async def test_the_form_is_the_one_asked_for(
    service: Service, accept: str, query: str, media_type: str
) -> None:
    """By Accept, or in its stead the accept parameter; caches are told so."""
    await put_case(service)
    answer = await ask(service, query, accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (200, media_type)
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize(
    ("accept", "query", "status"),
    [
        ("application/pdf", "", 406),
        ("image/png", "", 400),
        ("image/png", "view=X__CC", 404),
        ("", "strict=perhaps", 400),
    ],
)
async def test_what_is_not_offered_is_refused(service: Service, accept: str, query: str, status: int) -> None:
    """By saying what there is."""
    await put_case(service)
    assert (await ask(service, query, accept=accept)).status == status


async def test_the_page_hangs_right_and_left_face_to_face(service: Service) -> None:
    """CC above MLO; each picture says in words what it is, and carries what the script needs."""
    await put_case(service)
    page = Page(await ask(service, accept=BROWSER))
    assert [image["src"] for image in page.all("img")] == [
        f"{CASE_ID}/views/{view}" for view in ("R__CC", "L__CC", "R__MLO", "L__MLO")
    ]
    assert [image["alt"] for image in page.all("img")] == [
        f"{side} {position} mammogram" for position in ("CC", "MLO") for side in ("Right", "Left")
    ]
    figures = page.all("figure")
    assert ["right" in figure["class"] for figure in figures] == [True, False, True, False]
    about = orjson.loads(figures[0]["data-image"])
    assert about["frames"].startswith("../../dicomweb/studies/")
    assert about["values"]["bits_stored"] == 12
    assert REPORT in page.text
    assert "Complete" in page.text


async def test_the_page_says_what_is_missing(service: Service) -> None:
    """In its place and at the top; what is there is shown."""
    await put_case(service, without=("R__CC", "report"))
    page = Page(await ask(service, accept=BROWSER))
    assert len(page.all("img")) == 3
    assert "Right CC is missing" in page.text
    assert "There is no report." in page.text
    assert "Missing: Right CC, report" in re.sub(r"\s+", " ", page.text)


async def test_a_case_that_is_not_there_is_a_page_for_people(service: Service) -> None:
    """With the status of the error."""
    answer = await ask(service, accept=BROWSER, case_id="S2")
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such case" in Page(answer).text
    assert "script-src 'self'" in answer.headers["content-security-policy"]


async def test_further_images_of_a_view_are_told(service: Service) -> None:
    """The first by name is shown, and the page says so; another view than the four is shown below."""
    await put_case(service)
    await put(service, f"mg/{YEAR}/{CASE_ID}/L__CC/2.dcm", to_file(a_view("L__CC", 7)))
    case = (await ask(service)).json
    assert [image["name"] for image in case["duplicates"]] == [f"mg/{YEAR}/{CASE_ID}/L__CC/2.dcm"]
    page = Page(await ask(service, accept=BROWSER))
    assert len(page.all("img")) == 4
    assert "Shown is the first by name." in page.text
    assert any(link.endswith("/1.2.3.7.7/rendered") for link in page.links)


async def test_an_image_that_is_not_stored_as_it_hangs_is_turned(service: Service) -> None:
    """By PatientOrientation: a right breast whose rows begin at the chest wall is flipped."""
    await put(service, name_of("R__CC"), to_file(a_view("R__CC", 1, PatientOrientation=["A", "R"])))
    await put(service, name_of("L__CC"), to_file(a_view("L__CC", 2, PatientOrientation=["A", "R"])))
    views = (await ask(service)).json["views"]
    turned = {view: (one["flip_horizontally"], one["flip_vertically"]) for view, one in views.items()}
    assert turned == {"R__CC": (True, True), "L__CC": (False, False)}
    page = Page(await ask(service, accept=BROWSER))
    assert [image["class"] for image in page.all("img")] == ["flip_horizontally flip_vertically", ""]


async def test_nothing_that_a_report_or_an_address_says_becomes_markup(service: Service) -> None:
    """And scripts come from the app's own files only."""
    service.world.reports.texts[YEAR, HOSTILE] = HOSTILE
    answer = await ask(service, accept=BROWSER, case_id=HOSTILE)
    page = Page(answer)
    assert answer.status == 200
    assert HOSTILE in page.text
    assert [script["src"] for script in page.all("script")] == ["../../ui/case.js"]
    assert page.all("style") == []
    assert not [
        name
        for _, attributes in page.elements
        for name in attributes
        if name.startswith("on") or name == "style"
    ]
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == (
        "'none'",
        "'self'",
        "'self'",
    )
    assert answer.headers["cache-control"] == "no-store"
    assert html.escape(HOSTILE) in answer.body.decode()


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("case.css", "text/css; charset=utf-8"),
        *((f"{stem}.js", "text/javascript; charset=utf-8") for stem in ("case", "case-view", "case-values")),
    ],
)
async def test_styles_and_scripts_are_served(service: Service, name: str, media_type: str) -> None:
    """With an ETag, so that a browser asks for them once."""
    answer = await service.call("page_asset", f"/ui/{name}", route={"name": name})
    assert (answer.status, answer.headers["content-type"]) == (200, media_type)
    again = await service.call(
        "page_asset", route={"name": name}, headers={"if-none-match": answer.headers["etag"]}
    )
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("name", ["none.js", "../http_cases.py", "..%2fhttp_cases.py", ""])
async def test_no_other_file_is_served(service: Service, name: str) -> None:
    """Names are looked up, and lead nowhere else."""
    assert (await service.call("page_asset", route={"name": name})).status == 404


async def test_no_patient_comes_into_the_log(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """Nor the id of a case, which may be a patient's."""
    caplog.set_level(logging.DEBUG)
    await put_case(service)
    for accept in ("application/json", BROWSER, "application/zip"):
        await ask(service, accept=accept)
        await ask(service, accept=accept, case_id="Secret7")
    assert "secret7" not in caplog.text.lower()
    assert "DOE" not in caplog.text


@pytest.mark.parametrize("said", ["0.1\\abc", "0.1\\", "0.1", "\\0.1", "0\\0.1", "0.1\\0.1\\1"])
@pytest.mark.parametrize("name", ["PixelSpacing", "ImagerPixelSpacing"])
async def test_a_spacing_that_is_none_is_not_shown(service: Service, name: str, said: str) -> None:
    """An upload may say anything; the page and its JSON show a spacing of two numbers or none."""
    placeholder = "7.777777777 "
    view = a_view("L__CC", 1, ImagerPixelSpacing=None)
    setattr(view, name, placeholder.strip())
    await put(service, name_of("L__CC"), to_file(view).replace(placeholder.encode(), said.ljust(12).encode()))
    assert (await ask(service)).json["views"]["L__CC"]["pixel_spacing"] is None
    page = await ask(service, accept="text/html")
    assert page.status == 200
    assert b" mm" not in page.body
