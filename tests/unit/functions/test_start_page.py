"""The start page: what it shows, that nothing in it can run, and how it fails."""

import base64
import hashlib
import logging
from html.parser import HTMLParser

import pytest

from shared.errors import BackendUnavailableError, QueryTooBroadError
from tests.unit.flows.builders import STUDY, make_file
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service

HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>"

HOSTILE_NAME = "<script>alert(3)</script>"


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(answer.body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def links(self) -> list[str]:
        """Return where the links lead."""
        return [attributes["href"] for attributes in self.all("a")]


async def show(service: Service, query: str = "") -> Answer:
    """Ask for the page."""
    return await service.call("start_page", f"/ui?{query}")


async def store(service: Service, number: int, **attributes: object) -> str:
    """Store a study of one instance; return its UID."""
    study = f"{STUDY}.{number}"
    answer = await service.store(make_file(number, StudyInstanceUID=study, **attributes))
    assert answer.status == 200
    return study


async def test_studies_are_shown_newest_first_with_their_links(service: Service) -> None:
    """And with a preview that says in words what it would show."""
    old = await store(service, 1, StudyDate="20200101", PatientName="Old^Olga")
    new = await store(service, 2, StudyDate="20240229", PatientName="New^Nora", AccessionNumber="A77")
    answer = await show(service)
    page = Page(answer)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert [image["src"] for image in page.all("img")] == [
        f"dicomweb/studies/{study}/thumbnail" for study in (new, old)
    ]
    assert all("Preview: " in image["alt"] for image in page.all("img"))
    assert "2024-02-29" in page.all("img")[0]["alt"]
    assert page.text.index("New, Nora") < page.text.index("Old, Olga")
    assert "A77" in page.text
    assert "1 to 2 of 2" in page.text
    assert {"openapi.json", "health", f"dicomweb/studies/{new}/metadata"} <= set(page.links)
    assert not any("StudyInstanceUIDs" in link for link in page.links)


async def test_studies_open_in_the_viewer_that_is_set(service: Service) -> None:
    """Under its own root."""
    study = await store(service, 1)
    service.settings = service.settings.model_copy(update={"viewer_url": "/viewer/"})
    links = Page(await show(service)).links
    assert {"/viewer/", f"/viewer/viewer?StudyInstanceUIDs={study}"} <= set(links)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=nora", [2]),
        ("patient=P1", [1]),
        ("accession=A77", [2]),
        ("from=2021-01-01", [2]),
        ("to=2021-01-01", [1]),
        ("from=2020-01-01&to=2024-12-31", [2, 1]),
        ("name=nora&patient=P1", []),
        ("name=&patient=&accession=&from=&to=", [2, 1]),
    ],
)
async def test_fields_narrow_the_list(service: Service, query: str, found: list[int]) -> None:
    """Each on its own, and together."""
    await store(service, 1, StudyDate="20200101", PatientName="Old^Olga", PatientID="P1")
    await store(
        service, 2, StudyDate="20240229", PatientName="New^Nora", PatientID="P2", AccessionNumber="A77"
    )
    page = Page(await show(service, query))
    assert [image["src"].split("/")[2] for image in page.all("img")] == [
        f"{STUDY}.{number}" for number in found
    ]
    assert ("No study matches." in page.text) == (not found)


async def test_a_long_list_has_pages(service: Service) -> None:
    """Each keeps what was searched for."""
    for number in range(1, 23):
        await store(service, number, PatientID="P1")
    first, second = [Page(await show(service, f"patient=P1&page={page}")) for page in (1, 2)]
    assert ("1 to 20 of 22" in first.text, "21 to 22 of 22" in second.text) == (True, True)
    assert [link for link in first.links if "page=" in link] == ["ui?patient=P1&page=2"]
    assert [link for link in second.links if "page=" in link] == ["ui?patient=P1&page=1"]


async def test_nothing_that_users_or_files_say_becomes_markup(service: Service) -> None:
    """Neither of a data set nor of the address."""
    await store(
        service, 1, PatientName=HOSTILE_NAME, PatientID=HOSTILE, StudyDescription=HOSTILE, Modality="<B>"
    )
    plain = Page(await show(service))
    hostile = Page(await show(service, f"patient={HOSTILE.replace('&', '%26')}"))
    for page in (plain, hostile):
        assert {tag for tag, _ in page.elements}.isdisjoint({"script", "b", "object", "iframe"})
        assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
        assert page.text.count(HOSTILE) == 2
        assert HOSTILE_NAME in page.text
    assert {field["name"]: field["value"] for field in hostile.all("input")}["patient"] == HOSTILE


async def test_the_browser_is_told_to_run_nothing(service: Service) -> None:
    """The only style that counts is the page's own, by its hash."""
    answer = await show(service)
    style = answer.body.decode().split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["style-src"] == f"'sha256-{digest}'"
    assert "script-src" not in policy
    assert answer.headers["cache-control"] == "no-store"


async def test_every_field_has_its_label_and_the_page_its_headings(service: Service) -> None:
    """For who cannot see it."""
    await store(service, 1)
    page = Page(await show(service))
    assert [attributes["lang"] for attributes in page.all("html")] == ["en"]
    assert len(page.all("h1")) == 1
    assert len(page.all("label")) == len(page.all("input")) == 5
    assert all(head["scope"] == "col" for head in page.all("th"))
    assert len(page.all("main")) == 1


@pytest.mark.parametrize("query", ["from=yesterday", "page=0", "page=x", "from=2024-13-01"])
async def test_a_search_without_sense_is_told_on_the_page(service: Service, query: str) -> None:
    """The form stays, to mend it."""
    answer = await show(service, query)
    page = Page(answer)
    assert answer.status == 400
    assert "This search was not answered" in page.text
    assert len(page.all("form")) == 1


@pytest.mark.parametrize(
    ("error", "status"), [(QueryTooBroadError("add StudyDate"), 413), (BackendUnavailableError("slow"), 503)]
)
async def test_a_search_that_fails_is_told_on_the_page(
    service: Service, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    """With the status of the error."""

    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("functions.http_start_page.search_archive", fail)
    answer = await show(service)
    assert answer.status == status
    assert f"{error}." in Page(answer).text


async def test_no_patient_comes_into_the_log(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """Neither of the answer nor of the question."""
    caplog.set_level(logging.DEBUG)
    await store(service, 1, PatientName="Secret^Sara")
    await show(service, "name=secret")
    await show(service, "from=secret")
    assert "secret" not in caplog.text.lower()
