"""Searches page by page over HTTP: the link to the next page, and what its cursor is and is not good for."""

import base64
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.unit.flows.builders import make_file
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import MULTIPART, Service, multipart

LINK = re.compile(r'<(http://testserver/[^>]*)>; rel="next"')
UIDS = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}


async def fill(service: Service, count: int = 5, first: int = 1) -> None:
    """Store studies of two series, each of one instance."""
    for number in range(first, first + count):
        files = [
            make_file(1, study=f"1.{number}", series=f"1.{number}.{series}", StudyDate=f"2024010{number}")
            for series in (1, 2)
        ]
        assert (await service.store(*files)).status == 200


async def follow(service: Service, answer: Answer, name: str = "dicomweb_search") -> Answer:
    """Ask for the page that an answer links to."""
    found = LINK.fullmatch(answer.headers["link"])
    assert found is not None
    url = urlsplit(found[1])
    route = {"resource": url.path.rpartition("/")[2]}
    if "/studies/" in url.path:
        route["study"] = url.path.split("/studies/")[1].split("/")[0]
    return await service.call(name, f"{url.path}?{url.query}", route=route)


async def walk(service: Service, answer: Answer, resource: str, name: str = "dicomweb_search") -> list[str]:
    """Return the UIDs of an answer and of all pages after it."""
    found: list[str] = []
    for _ in range(50):
        found += [row[UIDS[resource]]["Value"][0] for row in answer.json] if answer.status == 200 else []
        if "link" not in answer.headers:
            return found
        answer = await follow(service, answer, name)
        assert "x-total-count" not in answer.headers
    raise AssertionError("the walk never came to its end")


@pytest.mark.parametrize("resource", UIDS)
async def test_links_lead_through_the_whole_answer(service: Service, resource: str) -> None:
    """Every row once, in the order of the whole; the last page has no link."""
    await fill(service)
    whole = [row[UIDS[resource]]["Value"][0] for row in (await service.search("", resource)).json]
    assert len(whole) == (5 if resource == "studies" else 10)
    assert await walk(service, await service.search("limit=2", resource), resource) == whole
    assert await walk(service, await service.search("limit=2&offset=1", resource), resource) == whole[1:]


async def test_a_link_keeps_what_was_asked(service: Service) -> None:
    """Keys, fields and page size, percent-encoded; not the offset, and never the caller's key."""
    await fill(service)
    query = "PatientID=P%2F1%23&includefield=00081030&limit=2&offset=1&code=secret"
    answer = await service.search(query)
    found = LINK.fullmatch(answer.headers["link"])
    assert found is not None
    assert "secret" not in answer.headers["link"]
    names = dict(parse_qsl(urlsplit(found[1]).query))
    assert names.pop("cursor")
    assert names == {"PatientID": "P/1#", "includefield": "00081030", "limit": "2"}


async def test_a_walk_within_a_study_stays_there(service: Service) -> None:
    """The link is to the same resource."""
    await fill(service)
    answer = await service.call(
        "dicomweb_search_series", "/dicomweb/studies/1.3/series?limit=1", route={"study": "1.3"}
    )
    assert "/dicomweb/studies/1.3/series?" in answer.headers["link"]
    assert await walk(service, answer, "series", "dicomweb_search_series") == ["1.3.1", "1.3.2"]


async def test_what_comes_and_goes_between_pages_repeats_and_hides_nothing(service: Service) -> None:
    """The newest is stored and the row that the page ended with is deleted: by offset one would be seen twice."""
    await fill(service)
    first = await service.search("limit=2")
    await fill(service, 1, first=6)
    for study in ("1.5", "1.4"):
        await service.call("dicomweb_delete", method="DELETE", route={"study": study, "path": ""})
    second = await follow(service, first)
    assert [row["0020000D"]["Value"][0] for row in second.json] == ["1.3", "1.2"]
    assert await walk(service, second, "studies") == ["1.3", "1.2", "1.1"]


async def test_a_page_that_has_gone_is_empty(service: Service) -> None:
    """204, without a link."""
    await fill(service, 3)
    first = await service.search("limit=2")
    await service.call("dicomweb_delete", method="DELETE", route={"study": "1.1", "path": ""})
    answer = await follow(service, first)
    assert (answer.status, "link" in answer.headers) == (204, False)


async def test_a_cursor_is_of_its_search_only(service: Service) -> None:
    """Other keys, another level, root or partition are 400; another page size and other fields are not."""
    await fill(service)
    cursor = cursor_of(
        await service.search("PatientID=P*&StudyDate=2024-&limit=2".replace("2024-", "20240101-"))
    )
    same = f"PatientID=P*&StudyDate=20240101-&cursor={cursor}"
    assert (await service.search(same)).status == 200
    assert (await service.search(f"{same}&limit=1&includefield=all")).status == 200
    assert (await service.search(f"StudyDate=20240101-&PatientID=P*&cursor={cursor}")).status == 200
    for query, resource in (
        (f"PatientID=P*&cursor={cursor}", "studies"),
        (f"PatientID=P*&StudyDate=20240102-&cursor={cursor}", "studies"),
        (f"{same}&fuzzymatching=true", "studies"),
        (same, "series"),
        (f"{same}&offset=0", "studies"),
        (f"{same}&cursor={cursor}", "studies"),
    ):
        answer = await service.search(query, resource)
        assert (answer.status, answer.json["code"]) == (400, "InvalidQuery"), query
    other_root = await service.call("v2_search", f"/v2/studies?{same}", route={"resource": "studies"})
    assert other_root.status == 400
    body = [multipart(make_file(1))]
    partition = {"partition": "p"}
    await service.call(
        "dicomweb_partition_store",
        method="POST",
        headers={"content-type": MULTIPART},
        body=body,
        route=partition,
    )
    other_partition = await service.call(
        "dicomweb_partition_search", f"/?{same}", route={**partition, "resource": "studies"}
    )
    assert other_partition.status == 400


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "gAAAAA", "=", "%00", "%C3%A9", "A" * 100, "A" * 100_000, base64.b64encode(b"0" * 99).decode()],
)
async def test_a_cursor_that_is_none_is_a_bad_request(service: Service, cursor: str) -> None:
    """Whatever stands there."""
    await fill(service, 1)
    assert (await service.search(f"cursor={cursor}")).status == 400


async def test_a_cursor_that_was_changed_is_a_bad_request(service: Service) -> None:
    """In any of its characters, or cut."""
    await fill(service, 3)
    cursor = cursor_of(await service.search("limit=1"))
    for place in range(0, len(cursor), 7):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        assert (await service.search(f"cursor={changed}")).status == 400
        assert (await service.search(f"cursor={cursor[:place]}")).status == 400


async def test_a_cursor_says_nothing_of_a_patient(service: Service) -> None:
    """Neither the date of the study nor what was searched for can be read from it."""
    await fill(service)
    cursor = cursor_of(await service.search("PatientID=P%2F1%23&limit=2"))
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for value in (b"20240104", b"79759895", b"P/1#", b"1.4"):
        assert value not in raw
        assert value not in cursor.encode()


async def test_who_gives_no_limit_is_told_that_there_is_more(service: Service) -> None:
    """With the number where it is known; PS3.18 asks for the Warning."""
    await fill(service, 1)
    for number in range(1, 103):
        await service.store(make_file(1, study=f"1.9.{number}", series=f"1.9.{number}.1"))
    first = await service.call("v2_search", "/v2/studies", route={"resource": "studies"})
    assert "There are 3 additional results" in first.headers["warning"]
    assert len(first.json) == 100
    assert len((await follow(service, first, "v2_search")).json) == 3


def cursor_of(answer: Answer) -> str:
    """Return the cursor of the link to the next page."""
    found = LINK.fullmatch(answer.headers["link"])
    assert found is not None
    return dict(parse_qsl(urlsplit(found[1]).query))["cursor"]
