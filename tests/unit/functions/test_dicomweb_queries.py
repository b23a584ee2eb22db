"""QIDO-RS, deletion, the change feed, cases and health as a client sees them."""

import dataclasses

import pytest

from functions._dialect import STANDARD
from functions._http import answers_errors
from functions.http_dicomweb_search import search
from shared.dicom.query import AZURE, QueryOptions
from shared.records import CaseImage
from shared.settings.settings import Settings
from tests.unit.flows.builders import SERIES, STUDY, make_file
from tests.unit.functions.requests import make_request, receive_answer
from tests.unit.functions.service import Service

OTHER_STUDY = "1.9"
FILES = [
    make_file(1),
    make_file(2),
    make_file(1, series="1.2.3.2", Modality="SR"),
    make_file(1, study=OTHER_STUDY, series="1.9.1", PatientID="P2", StudyDate="20250101"),
]
ROOT = "http://testserver/dicomweb/studies"


@pytest.fixture
async def filled(service: Service) -> Service:
    """Return an archive of two studies."""
    await service.store(*FILES)
    return service


async def test_a_study_row_has_what_viewers_need(filled: Service) -> None:
    """Q01 and Q15: counts, modalities, and where to retrieve it."""
    answer = await filled.search("PatientID=P%2F1%23")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/dicom+json")
    [row] = answer.json
    assert row["0020000D"]["Value"] == [STUDY]
    assert row["00081190"]["Value"] == [f"{ROOT}/{STUDY}"]
    assert sorted(row["00080061"]["Value"]) == ["CT", "SR"]
    assert (row["00201206"]["Value"], row["00201208"]["Value"]) == ([2], [3])
    assert answer.headers["x-total-count"] == "1"


async def test_urls_begin_with_the_address_that_is_set(filled: Service) -> None:
    """DICOM_PUBLIC_URL goes before whatever the request says of its way."""
    filled.settings = Settings.model_construct(public_url="https://pacs.example/archive/")
    answer = await filled.search("PatientID=P%2F1%23", host="elsewhere", forwarded="host=evil.example")

    assert answer.json[0]["00081190"]["Value"] == [f"https://pacs.example/archive/dicomweb/studies/{STUDY}"]


async def test_no_match_is_204(filled: Service) -> None:
    """Q02, with the total."""
    answer = await filled.search("PatientID=nobody")
    assert (answer.status, answer.body, answer.headers["x-total-count"]) == (204, b"", "0")


@pytest.mark.parametrize(
    "query", ["StudyDate=-", "limit=abc", "offset=-1", "fuzzymatching=maybe", "includefield=NotATag"]
)
async def test_a_parameter_without_meaning_is_400(filled: Service, query: str) -> None:
    """Q04, Q08 and Q14."""
    assert (await filled.search(query)).status == 400


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        ("StudyDate=20250101-", [OTHER_STUDY]),
        (
            "limit=25&offset=0&includefield=00081030%2C00080060&StudyDate=19521125-20260101",
            [OTHER_STUDY, STUDY],
        ),
        ("limit=1&offset=1", [STUDY]),
        ("accept=application/json", [OTHER_STUDY, STUDY]),
    ],
)
async def test_searches_that_clients_send_are_understood(
    filled: Service, query: str, studies: list[str]
) -> None:
    """Q03 and Q12."""
    answer = await filled.search(query)
    assert [row["0020000D"]["Value"][0] for row in answer.json] == studies
    assert answer.headers["x-total-count"] == ("1" if "20250101" in query else "2")


@pytest.mark.parametrize(
    ("name", "route", "rows"),
    [
        ("dicomweb_search", {"resource": "series"}, 3),
        ("dicomweb_search", {"resource": "instances"}, 4),
        ("dicomweb_search_series", {"study": STUDY}, 2),
        ("dicomweb_search_instances", {"study": STUDY}, 3),
        ("dicomweb_search_series_instances", {"study": STUDY, "series": SERIES}, 2),
    ],
)
async def test_every_level_can_be_searched(
    filled: Service, name: str, route: dict[str, str], rows: int
) -> None:
    """Q17."""
    answer = await filled.call(name, route=route)
    assert len(answer.json) == rows


@pytest.mark.parametrize(
    ("name", "route", "status"),
    [
        ("dicomweb_search", {"resource": "patients"}, 404),
        ("dicomweb_search_series", {"study": "a"}, 400),
        ("dicomweb_search_series_instances", {"study": STUDY, "series": "a"}, 400),
    ],
)
async def test_searches_elsewhere_fail(
    service: Service, name: str, route: dict[str, str], status: int
) -> None:
    """Paths that are none, and UIDs that are none."""
    assert (await service.call(name, route=route)).status == status


async def test_an_answer_in_another_form_is_refused(service: Service) -> None:
    """And application/json is granted."""
    assert (await service.search(accept="text/html")).status == 406


async def test_a_limit_over_the_most_is_cut_with_a_warning_or_refused(filled: Service) -> None:
    """Q11: the dialect decides."""
    few = dataclasses.replace(STANDARD, query=QueryOptions(default_limit=1, max_limit=1))
    for url, dialect, status in (
        ("/?limit=7", few, 200),
        ("/?limit=201", dataclasses.replace(STANDARD, query=AZURE), 400),
    ):
        handler = answers_errors(lambda req, dialect=dialect: search(req, dialect, "study"))  # type: ignore[misc]
        answer = await receive_answer(await handler(make_request("GET", url)))
        assert answer.status == status
        if status == 200:
            assert answer.headers["warning"].startswith("299 http://testserver/dicomweb: limit is over")


async def test_rows_that_a_default_limit_left_out_are_told(filled: Service) -> None:
    """So that nobody takes a page for all."""
    few = dataclasses.replace(STANDARD, query=QueryOptions(default_limit=1))
    answer = await receive_answer(await search(make_request("GET", "/"), few, "study"))
    expected = "299 http://testserver/dicomweb: There are 1 additional results that can be requested"
    assert answer.headers["warning"] == expected
    answer = await receive_answer(await search(make_request("GET", "/?limit=1"), few, "study"))
    assert "warning" not in answer.headers


@pytest.mark.parametrize(
    "path", [f"{STUDY}/series/{SERIES}/instances/{SERIES}.1", f"{STUDY}/series/{SERIES}", STUDY]
)
async def test_what_is_deleted_is_404_from_then_on(filled: Service, path: str) -> None:
    """D01: at each level."""
    study, _, rest = path.partition("/")
    for status in (204, 404):
        answer = await filled.call("dicomweb_delete", method="DELETE", route={"study": study, "path": rest})
        assert answer.status == status
    assert (await filled.retrieve(path)).status == 404
    assert (await filled.retrieve(OTHER_STUDY)).status == 200


@pytest.mark.parametrize(
    ("study", "path", "status"), [("notAStudyInstanceUid", "", 400), (STUDY, "metadata", 404)]
)
async def test_only_instances_can_be_deleted(filled: Service, study: str, path: str, status: int) -> None:
    """D03."""
    assert (
        await filled.call("dicomweb_delete", method="DELETE", route={"study": study, "path": path})
    ).status == status


async def test_what_is_read_only_is_not_deleted(filled: Service) -> None:
    """403, and it is still there."""
    filled.settings = filled.settings.model_copy(update={"read_only_containers": ("archive",)})
    assert (
        await filled.call("dicomweb_delete", method="DELETE", route={"study": STUDY, "path": ""})
    ).status == 403
    assert (await filled.retrieve(STUDY)).status == 200


@pytest.mark.parametrize(
    "query",
    ["limit=-1", "limit=0", "limit=201", "limit=blah", "offset=-1", "includemetadata=0", "startTime=2020"],
)
async def test_parameters_of_the_change_feed_are_checked(filled: Service, query: str) -> None:
    """F01."""
    assert (await filled.call("dicomweb_changes", f"/?{query}", route={"path": ""})).status == 400


async def test_the_change_feed_is_paged(filled: Service) -> None:
    """And its latest entry can be asked for."""
    pages = [
        (await filled.call("dicomweb_changes", f"/?offset={offset}&limit=3")).json for offset in (0, 3, 4)
    ]
    assert [[entry["Sequence"] for entry in page] for page in pages] == [[1, 2, 3], [4], []]
    assert all("Metadata" in entry for entry in pages[0])
    latest = (await filled.call("dicomweb_changes", "/?includemetadata=false", route={"path": "latest"})).json
    assert (latest["Sequence"], "Metadata" in latest) == (4, False)


async def test_an_empty_change_feed_has_no_latest_entry(service: Service) -> None:
    """204."""
    assert (await service.call("dicomweb_changes", route={"path": "latest"})).status == 204
    assert (await service.call("dicomweb_changes")).json == []
    assert (await service.call("dicomweb_changes", route={"path": "elsewhere"})).status == 404


async def test_a_case_is_json_with_public_urls(filled: Service) -> None:
    """Its report, its views, and what is missing."""
    record = filled.world.index.serving_records()[0]
    await filled.world.cases.put([CaseImage("2014", "S1", "L__CC", record.location.key, record.ref)])
    answer = await filled.call(
        "get_case", route={"year": "2014", "id": "S1"}, headers={"forwarded": "host=pacs.example"}
    )
    assert answer.status == 200
    assert answer.json["views"]["L__CC"]["url"].startswith("http://pacs.example/dicomweb/studies/")
    assert answer.json["missing"] == ["L__MLO", "R__CC", "R__MLO", "report"]


@pytest.mark.parametrize(
    ("query", "case_id", "status"), [("", "S2", 404), ("strict=true", "S1", 404), ("strict=1", "S1", 400)]
)
async def test_a_case_that_is_not_there_is_404(
    filled: Service, query: str, case_id: str, status: int
) -> None:
    """Nor is an incomplete one, for who wants all of it."""
    filled.world.reports.texts["2014", "S1"] = "text"
    assert (
        await filled.call("get_case", f"/?{query}", route={"year": "2014", "id": case_id})
    ).status == status
