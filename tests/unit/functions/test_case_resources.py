"""The list of cases, the index of whole containers, and reports, over HTTP."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from functions import timer_sweep_cases
from shared.case_views import VIEWS
from shared.flows import index_cases
from shared.records import ObjectKey
from tests.unit.flows.builders import make_file
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service, user_function

QUOTED = "S'1' or id ne '"


async def report(
    service: Service, method: str, case_id: str = "S1", body: bytes = b"", **headers: str
) -> Answer:
    """Read or write the report of a case of 2014."""
    return await service.call(
        f"{method.lower()}_report",
        method=method,
        route={"year": "2014", "id": case_id},
        body=[body],
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


async def cases(service: Service, query: str = "") -> list[tuple[str, str]]:
    """Return year and id of each case of all pages."""
    found = []
    url: str | None = f"http://testserver/cases?{query}"
    while url is not None:
        answer = await service.call("list_cases", url)
        assert answer.status == 200, answer.body
        found += [(case["year"], case["id"]) for case in answer.json["cases"]]
        url = answer.json["next"]
    return found


async def filled(service: Service) -> None:
    """Put objects of several cases into the container, unnoticed."""
    names = [f"x/2014/S{number}/{view}/1.dcm" for number in (1, 2, 10) for view in VIEWS]
    names += ["x/2015/S1/L__CC/1.dcm", "x/2015/S1/L__CC/2.dcm", "other.dcm"]
    for number, name in enumerate(names, start=1):
        service.world.objects.write(ObjectKey("images", name), make_file(number))


async def test_a_container_is_indexed_on_request(service: Service) -> None:
    """C000-1: the counts of one listing."""
    await filled(service)
    answer = await service.call("index_cases", "/cases/index", method="POST")
    assert answer.status == 200
    assert answer.json == {
        "done": True,
        "names": 15,
        "indexed": 14,
        "by_attributes": 0,
        "unmatched": 1,
        "rejected": 0,
        "duplicates": 1,
        "read": 15,
        "gone": 0,
        "unsettled": 0,
    }


async def test_an_index_that_takes_long_says_how_to_go_on(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """202 and the request to send; at the end 200, with the counts of all."""
    monkeypatch.setattr(index_cases, "_BATCH", 1)
    await filled(service)

    async def at_once(*_: Any, **__: Any) -> Any:
        return await index_all(*_, **__ | {"seconds": 0})

    index_all = index_cases.index_cases
    monkeypatch.setattr("functions.http_cases_index.index_all", at_once)
    answers = [await service.call("index_cases", "/cases/index", method="POST") for _ in range(16)]
    assert [answer.status for answer in answers] == [202] * 15 + [200]
    assert "POST /cases/index" in answers[0].json["next"]
    assert (answers[0].json["names"], answers[-1].json["names"]) == (1, 15)


@pytest.mark.parametrize("query", ["seconds=0", "seconds=201", "seconds=x", "restart=maybe"])
async def test_an_index_is_asked_for_in_numbers(service: Service, query: str) -> None:
    """What has no meaning is 400."""
    assert (await service.call("index_cases", f"/cases/index?{query}", method="POST")).status == 400


async def test_cases_are_listed_by_year_id_and_completeness(service: Service) -> None:
    """Page by page, each once, with what each has and lacks."""
    await filled(service)
    await service.call("index_cases", method="POST")
    await report(service, "PUT", "S1", b"BI-RADS 1")
    everything = [("2014", "S1"), ("2014", "S10"), ("2014", "S2"), ("2015", "S1")]
    for limit in (1, 2, 3, 4, 1000):
        assert await cases(service, f"limit={limit}") == everything
    assert await cases(service, "year=2014&limit=1") == everything[:3]
    assert await cases(service, "id=S1&limit=1") == [everything[0], everything[1], everything[3]]
    assert await cases(service, "id=S1&year=2014") == everything[:2]
    assert await cases(service, "complete=true") == [("2014", "S1")]
    assert await cases(service, "complete=false&limit=2") == everything[1:]
    assert await cases(service, "year=201") == []
    [case] = (await service.call("list_cases", "/cases?year=2015")).json["cases"]
    assert case == {
        "year": "2015",
        "id": "S1",
        "views": {"L__CC": 2},
        "report": False,
        "missing": ["L__MLO", "R__CC", "R__MLO", "report"],
        "complete": False,
    }


async def test_the_next_page_has_a_public_url_and_the_same_question(service: Service) -> None:
    """Clients follow it as it is."""
    await filled(service)
    await service.call("index_cases", method="POST")
    answer = await service.call(
        "list_cases", "/cases?year=2014&id=S&limit=2", headers={"forwarded": "host=pacs.example;proto=https"}
    )
    url = urlsplit(answer.json["next"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://pacs.example/cases"
    assert {name: values[0] for name, values in parse_qs(url.query).items() if name != "after"} == {
        "year": "2014",
        "id": "S",
        "limit": "2",
    }


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "complete=maybe",
        "after=%FF",
        "after=x",
        "after=WzEsMl0",
        "id=" + "S" * 129,
    ],
)
async def test_a_question_without_meaning_is_refused(service: Service, query: str) -> None:
    """400, and it says which parameter."""
    answer = await service.call("list_cases", f"/cases?{query}")
    assert answer.status == 400
    assert query.partition("=")[0] in answer.json["detail"]


@pytest.mark.parametrize("case_id", ["S1", QUOTED, "Ä/\\#?%", " "])
async def test_a_report_is_read_as_it_was_written(service: Service, case_id: str) -> None:
    """C000-7: whatever the id, in any script, with its line ends; and the list knows of it."""
    text = "Befund:\r\n\tunauffällig «ok» 日本 'x' \U0001f600"
    assert (await report(service, "GET", case_id)).status == 404
    assert (await report(service, "PUT", case_id, text.encode(), content_type="text/plain")).status == 201
    answer = await report(service, "GET", case_id)
    assert (answer.status, answer.body.decode()) == (200, text)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    as_json = await report(service, "GET", case_id, accept="application/json")
    assert as_json.json == {"year": "2014", "id": case_id, "report": text}
    assert (await report(service, "GET", case_id, if_none_match=answer.headers["etag"])).status == 304
    assert await cases(service) == [("2014", case_id)]
    assert (await report(service, "GET", "other")).status == 404


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"report": "caf\\u00e9"}', "application/json"),
        ("café".encode(), "text/plain"),
        ("café".encode("latin-1"), "text/plain; charset=ISO-8859-1"),
        ("café".encode("utf-16"), "text/plain; charset=utf-16"),
    ],
)
async def test_a_report_comes_as_text_or_json(service: Service, body: bytes, content_type: str) -> None:
    """In the charset that it says."""
    assert (await report(service, "PUT", body=body, content_type=content_type)).status == 201
    assert (await report(service, "GET")).body == "café".encode()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"x" * 32_001, "text/plain", 413),
        (b"x" * 600_000, "text/plain", 413),
        (b"\xff", "text/plain", 400),
        (b"a\0b", "text/plain", 400),
        (b"{}", "application/json", 400),
        (b'{"report": 7}', "application/json", 400),
        (b"nothing", "application/json", 400),
        (b'{"report": "\\ud800"}', "application/json", 400),
        (b"x", "text/html", 415),
        (b"x", "text/plain; charset=unicode_escape", 415),
        (b"x", "no media type", 415),
    ],
)
async def test_a_report_that_cannot_be_kept_is_refused(
    service: Service, body: bytes, content_type: str, status: int
) -> None:
    """And nothing is written."""
    answer = await report(service, "PUT", body=body, content_type=content_type)
    assert answer.status == status, answer.body
    assert (await report(service, "GET")).status == 404
    assert await cases(service) == []


@pytest.mark.parametrize(
    ("year", "case_id"), [("14", "S1"), ("2014x", "S1"), ("2014", "a\nb"), ("2014", "S" * 129)]
)
async def test_a_report_is_of_a_case_that_can_be(service: Service, year: str, case_id: str) -> None:
    """Years are four digits; ids have no control characters."""
    answer = await service.call("put_report", method="PUT", route={"year": year, "id": case_id}, body=[b"x"])
    assert answer.status == 400


async def test_a_report_is_written_on_condition(service: Service) -> None:
    """Only where there is none, or only in place of the one that was read."""
    assert (await report(service, "PUT", body=b"x", if_match="*")).status == 412
    assert (await report(service, "PUT", body=b"one", if_none_match="*")).status == 201
    assert (await report(service, "PUT", body=b"two", if_none_match="*")).status == 412
    etag = (await report(service, "GET")).headers["etag"]
    assert (await report(service, "PUT", body=b"two", if_match='"other"')).status == 412
    assert (await report(service, "PUT", body=b"two", if_match=etag)).status == 204
    assert (await report(service, "PUT", body=b"three", if_match=etag)).status == 412
    assert (await report(service, "GET")).body == b"two"
    assert (await report(service, "PUT", body=b"x", if_none_match='"a"')).status == 400
    assert (await report(service, "PUT", body=b"x", if_match='"a", "b"')).status == 400


async def test_reports_of_others_are_moved_on_request(service: Service) -> None:
    """C000-7: found before and after, and listed after."""
    service.world.reports.loose += [("2014", "S1", "theirs"), ("2014", QUOTED, "quoted")]
    assert (await report(service, "GET", QUOTED)).body == b"quoted"
    answer = await service.call("migrate_reports", "/cases/reports/migration", method="POST")
    assert (answer.status, answer.json) == (200, {"moved": 2, "kept": 0, "done": True})
    assert (await report(service, "GET", QUOTED)).body == b"quoted"
    assert await cases(service) == [("2014", QUOTED), ("2014", "S1")]
    assert service.world.reports.loose == []


def form(*parts: tuple[str, bytes]) -> tuple[str, bytes]:
    """Return the media type and the body that curl would send of these parts."""
    head = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="a.dcm"\r\n\r\n%s\r\n'
    return "multipart/form-data; boundary=b", b"".join(
        head % (name.encode(), data) for name, data in parts
    ) + b"--b--"


async def put_case(service: Service, *parts: tuple[str, bytes], **headers: str) -> Answer:
    """Store a case of 2014."""
    content_type, body = form(*parts)
    named = {"content-type": content_type} | {name.replace("_", "-"): text for name, text in headers.items()}
    return await service.call(
        "put_case", method="PUT", route={"year": "2014", "id": QUOTED}, headers=named, body=[body]
    )


CASE = [(view, make_file(number)) for number, view in enumerate(VIEWS, start=1)] + [("report", b"BI-RADS 1")]


async def test_a_case_is_stored_and_read_back(service: Service) -> None:
    """C000-11 and C000-3: 201, then 200; by an id with quotes; what GET answers is what was sent."""
    created = await put_case(service, *CASE)
    assert created.status == 201, created.body
    assert created.headers["location"].startswith("http://testserver/cases/2014/S%271%27%20or")
    case = await service.call("get_case", route={"year": "2014", "id": QUOTED}, url="/?strict=true")
    assert (case.status, case.json["report"], case.json["missing"]) == (200, "BI-RADS 1", [])
    for view, data in CASE[:4]:
        ref = created.json["views"][view]
        path = "/".join(
            [
                ref["study_instance_uid"],
                "series",
                ref["series_instance_uid"],
                "instances",
                ref["sop_instance_uid"],
            ]
        )
        found = await service.retrieve(path, "application/dicom; transfer-syntax=*")
        assert (found.status, found.body) == (200, data)
    again = await put_case(service, *CASE)
    assert (again.status, again.headers["etag"]) == (200, created.headers["etag"])
    assert await cases(service, "complete=true") == [("2014", QUOTED)]


async def test_a_case_is_replaced_on_condition_only(service: Service) -> None:
    """409 without, 412 with one that does not hold."""
    etag = (await put_case(service, *CASE)).headers["etag"]
    other = [*CASE[:4], ("report", b"BI-RADS 2")]
    assert (await put_case(service, *other)).status == 409
    assert (await put_case(service, *other, if_none_match="*")).status == 412
    assert (await put_case(service, *other, if_match='"x"')).status == 412
    assert (await put_case(service, *other, if_match=etag)).status == 200
    assert (await put_case(service, *other, if_match=etag)).status == 412


async def test_a_case_that_is_none_is_refused(service: Service) -> None:
    """Each with its status, and nothing is left of it."""
    assert (await put_case(service, *CASE[1:])).status == 400
    assert (await put_case(service, ("L__CC", b"x"), *CASE[1:])).status == 422
    assert (await put_case(service, *CASE[:4], ("report", b"x" * 32_001))).status == 413
    assert (await put_case(service, *CASE, content_type="application/dicom")).status == 415
    assert (await put_case(service, *CASE, content_type="multipart/form-data")).status == 400
    assert (await put_case(service, *CASE, content_type="multipart/form-data; boundary=c")).status == 400
    assert service.world.objects.objects == {}
    assert service.world.case_sessions.notes == {}


async def test_what_is_left_of_storing_is_swept_by_a_timer(service: Service) -> None:
    """It finds nothing to do, and ends well."""
    sweep = user_function(timer_sweep_cases.bp._function_builders[0])
    await sweep(None)


async def test_an_id_that_is_no_utf8_takes_no_report(service: Service) -> None:
    """C000-7: `M%FCller` and `M%E4ller` arrive as one text, so that one patient's report would replace the other's."""
    answer = await report(service, "PUT", "M\ufffdller", b"BI-RADS 1")
    assert (answer.status, await cases(service)) == (400, [])
