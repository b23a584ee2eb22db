"""Requests that are forwarded: what leaves this app, what comes back, and what becomes of a service that answers badly."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from functions import _wiring
from shared.backends.upstream.address import address_of
from shared.errors import (
    AppError,
    BadUpstreamAnswerError,
    UpstreamLoginError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from shared.settings.settings import Settings
from tests.unit.flows.builders import make_file
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import MULTIPART, multipart
from tests.unit.functions.upstream import ROOT, UpstreamService

JSON = "application/dicom+json"
PRIVATE = {
    "authorization": "Bearer of-the-client",
    "cookie": "session=1",
    "x-functions-key": "key-of-the-app",
    "x-forwarded-for": "10.1.2.3",
    "x-forwarded-host": "archive.example",
    "forwarded": "for=10.1.2.3",
    "x-ms-client-principal": "somebody",
    "user-agent": "viewer/1",
    "referer": "https://archive.example/ui",
    "connection": "upgrade",
    "transfer-encoding": "chunked",
    "te": "trailers",
}


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch) -> Iterator[UpstreamService]:
    """Give an archive in front of a service that answers as it is told, all of whose answers are let go of."""
    made = UpstreamService()
    monkeypatch.setattr(_wiring, "services", made.services)
    yield made
    assert made.told.closed == len(made.told.requests)


async def get(front: UpstreamService, path: str, query: str = "", **headers: str) -> Answer:
    """Retrieve below /studies/1.2."""
    return await front.call(
        "dicomweb_retrieve", f"/?{query}", headers=headers, route={"study": "1.2", "path": path}
    )


async def test_private_headers_stay_here(front: UpstreamService) -> None:
    """Only what says what is asked is sent: no key, no cookie, no address, nothing of this hop."""
    asked = {"accept": JSON, "if-none-match": '"1"', "range": "bytes=0-1"}
    await get(
        front, "metadata", "code=key-of-the-app&clientId=x&accept=application%2Fjson", **asked, **PRIVATE
    )

    [(request, _)] = front.told.requests
    assert dict(request.headers) == asked
    assert request.query == (("accept", "application/json"),)


async def test_only_known_headers_come_back(front: UpstreamService) -> None:
    """What the service says to its neighbours is none of the client's business; addresses become ours."""
    link = f'<{ROOT}/studies?cursor=1>; rel="next"'
    front.told.answer(
        200,
        b"[]",
        JSON,
        etag='"2"',
        link=link,
        set_cookie="a=1",
        server="secret/1.0",
        www_authenticate="Basic",
        content_length="2",
        access_control_allow_origin="*",
    )
    answer = await front.search("limit=1")

    assert set(answer.headers) == {
        "content-type",
        "etag",
        "link",
        "x-upstream-status",
        "x-content-type-options",
    }
    assert answer.headers["link"] == '<http://testserver/dicomweb/studies?cursor=1>; rel="next"'
    assert front.told.closed == 1


async def test_addresses_in_json_are_ours(front: UpstreamService) -> None:
    """BulkDataURI and RetrieveURL, escaped or not; what merely mentions the address, or one like it, stays."""
    said = [
        {
            "00081190": {"vr": "UR", "Value": [f"{ROOT}/studies/1.2"]},
            "7FE00010": {"vr": "OW", "BulkDataURI": f"{ROOT}/studies/1.2/bulk/7fe00010"},
            "00104000": {"vr": "LT", "Value": [f'see "{ROOT}/studies', f"{ROOT}s/other", f" {ROOT}/"]},
        }
    ]
    escaped = orjson.dumps(said).replace(
        f'"{ROOT}/studies/1.2"'.encode(), b'"' + ROOT.replace("/", "\\/").encode() + b'\\/studies"'
    )
    front.told.answer(200, escaped, JSON)

    answer = await get(front, "metadata")

    assert answer.json[0]["00081190"]["Value"] == ["http://testserver/dicomweb/studies"]
    assert answer.json[0]["7FE00010"]["BulkDataURI"] == "http://testserver/dicomweb/studies/1.2/bulk/7fe00010"
    assert answer.json[0]["00104000"] == said[0]["00104000"]


@pytest.mark.parametrize(
    ("study", "path"),
    [
        ("1.2", "../../../admin"),
        ("1.2", "series/../../x"),
        ("1.2", "series/1.3/instances/1.4/frames/1?x=1"),
        ("1.2", "series/1.3/metadata#x"),
        ("1.2", "@evil.example/x"),
        ("1.2", "a%2e%2e"),
        ("1.2", "series/1.3/instances/x"),
        ("..", "metadata"),
        ("1.2\r\nX: y", "metadata"),
        ("1.2", "/".join(["a"] * 40)),
    ],
)
async def test_a_path_that_is_none_of_dicomweb_goes_nowhere(
    front: UpstreamService, study: str, path: str
) -> None:
    """It is refused here, whatever the service would make of it."""
    answer = await front.call("dicomweb_retrieve", route={"study": study, "path": path})

    assert answer.status in (400, 404)
    assert front.told.requests == []


async def test_a_path_is_made_of_its_parts(front: UpstreamService) -> None:
    """At each resource, search and root; empty segments are left out."""
    await get(front, "series/1.3//instances/1.4/frames/1,2,3")
    await front.search("limit=1", "instances")
    series = {"study": "1.2", "series": "1.3"}
    await front.call("v2_search_series_instances", "/?PatientName=A%26B", route=series)
    await front.call("v1_retrieve", route={"study": "1.2", "path": "metadata"})

    assert [request.path for request, _ in front.told.requests] == [
        ("studies", "1.2", "series", "1.3", "instances", "1.4", "frames", "1,2,3"),
        ("instances",),
        ("studies", "1.2", "series", "1.3", "instances"),
        ("studies", "1.2", "metadata"),
    ]
    assert front.told.requests[2][0].query == (("PatientName", "A&B"),)
    url = address_of(Settings.model_validate({"upstream_url": ROOT})).url(*_url_of(front, 2))
    assert str(url) == f"{ROOT}/studies/1.2/series/1.3/instances?PatientName=A%26B"


def _url_of(front: UpstreamService, number: int) -> tuple[Any, Any]:
    request, _ = front.told.requests[number]
    return request.path, request.query


@pytest.mark.parametrize("status", [400, 404, 406, 409, 410, 429, 500, 503])
async def test_a_status_of_the_service_passes_and_is_marked(front: UpstreamService, status: int) -> None:
    """With its body: what the service says of a request is for who made it."""
    front.told.answer(status, b'{"detail": "as it says"}', JSON, retry_after="7")
    answer = await front.search()

    assert (answer.status, answer.headers["x-upstream-status"]) == (status, str(status))
    assert answer.json == {"detail": "as it says"}
    assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize("status", [401, 403, 407])
async def test_refused_credentials_are_not_the_clients(front: UpstreamService, status: int) -> None:
    """502 with a sentence for the operator; the client need not log in, and is not told how the service asks."""
    front.told.answer(status, b"who are you", "text/plain", www_authenticate="Bearer")
    answer = await front.search()

    assert (answer.status, answer.json["code"]) == (502, "UpstreamLogin")
    assert "DICOM_UPSTREAM_CREDENTIAL" in answer.json["detail"]
    assert "x-upstream-status" not in answer.headers
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("status", [100, 199, 301, 302, 307, 308, 600, 999])
async def test_what_is_no_answer_is_a_bad_gateway(front: UpstreamService, status: int) -> None:
    """Redirects among them: neither this app nor its client is led elsewhere."""
    front.told.answer(status, b"", location="https://evil.example/studies")
    answer = await front.search()

    assert (answer.status, answer.json["code"]) == (502, "BadUpstreamAnswer")
    assert "evil" not in answer.body.decode()


@pytest.mark.parametrize(
    "content_type", ["text/html", "application/xhtml+xml", "image/svg+xml", "text/javascript", "", "nonsense"]
)
async def test_a_page_is_no_answer(front: UpstreamService, content_type: str) -> None:
    """A media type that DICOMweb does not have is 502 in success, and text where it explains a failure."""
    front.told.answer(200, b"<script>", content_type)
    assert (await front.search()).status == 502

    front.told.answer(500, b"<script>", content_type)
    answer = await front.search()
    assert (answer.status, answer.headers["content-type"]) == (500, "text/plain; charset=utf-8")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UpstreamUnavailableError("refused"), 502, "UpstreamUnavailable"),
        (BadUpstreamAnswerError("no HTTP"), 502, "BadUpstreamAnswer"),
        (UpstreamLoginError("no token"), 502, "UpstreamLogin"),
        (UpstreamTimeoutError("late"), 504, "UpstreamTimeout"),
    ],
)
@pytest.mark.parametrize("when", ["asked", "read"])
async def test_errors_of_the_gateway_are_told_from_ours(
    front: UpstreamService, error: AppError, status: int, code: str, when: str
) -> None:
    """502 and 504 with their codes, whether there is no answer or it does not begin; never 503, which is of our stores."""
    front.told.answer(200, b"[]", JSON)
    front.told.error, front.told.fails_when = error, when
    answer = await front.search()

    assert (answer.status, answer.json["code"]) == (status, code)
    assert "x-upstream-status" not in answer.headers
    assert "retry-after" not in answer.headers
    if when == "asked":
        front.told.requests.clear()


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_has_none(front: UpstreamService, status: int) -> None:
    """Nothing found, and nothing changed."""
    front.told.answer(status, b"", etag='"2"')
    answer = await front.search()

    assert (answer.status, answer.body, answer.headers["etag"]) == (status, b"", '"2"')


def stored(*refs: tuple[str, str, str], failed: tuple[int, ...] = ()) -> bytes:
    """Return what a service says of a store request."""
    return orjson.dumps(
        {
            "00081198": {
                "vr": "SQ",
                "Value": [{"00081197": {"vr": "US", "Value": [code]}} for code in failed],
            },
            "00081199": {
                "vr": "SQ",
                "Value": [
                    {
                        "00081190": {
                            "vr": "UR",
                            "Value": [f"{ROOT}/studies/{one}/series/{two}/instances/{three}"],
                        }
                    }
                    for one, two, three in refs
                ],
            },
        }
    )


@pytest.mark.parametrize("code", [43264, 43265])
async def test_a_store_request_passes_and_is_followed(
    front: UpstreamService, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Body as it is, answer with our addresses, what was stored looked at soon; both codes mean another study."""
    caplog.set_level("INFO")
    front.told.answer(202, stored(("1.2", "1.3", "1.4"), failed=(code, 45070)), JSON)
    file = make_file(1)
    answer = await front.store(
        file, study="1.2", **{name.replace("-", "_"): value for name, value in PRIVATE.items()}
    )

    [(request, body)] = front.told.requests
    assert (request.method, request.path, body) == ("POST", ("studies", "1.2"), multipart(file))
    assert dict(request.headers) == {"content-type": MULTIPART, "accept": JSON}
    assert answer.status == 202
    [item] = answer.json["00081199"]["Value"]
    assert item["00081190"]["Value"] == [
        "http://archive.example/dicomweb/studies/1.2/series/1.3/instances/1.4"
    ]
    assert [one.sop_instance_uid for one in front.asked.refs] == ["1.4"]
    assert "already-exists:1,study-mismatch:1" in caplog.text
    assert front.world.objects.objects == {}


async def test_what_is_stored_upstream_is_audited_by_its_instances(
    front: UpstreamService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path of a store request names none; the service's answer does."""
    lines: list[str] = []
    monkeypatch.setattr(_wiring, "audit_trail", lambda: SimpleNamespace(write=lines.append))
    front.told.answer(200, stored(("1.2", "1.3", "1.4"), ("1.2", "1.3", "1.5")), JSON)
    assert (await front.store(make_file(1))).status == 200

    [message] = [orjson.loads(line) for line in lines]
    assert (message["EventID"]["csd-code"], message["EventActionCode"]) == ("110104", "C")
    [study] = message["ParticipantObjectIdentification"]
    assert study["ParticipantObjectID"] == "1.2"
    assert study["SOPInstanceUID"] == ["1.4", "1.5"]


async def test_a_store_answer_that_makes_no_sense_is_told(front: UpstreamService) -> None:
    """Of any shape it does no harm; what is no JSON is a bad gateway."""
    for shape in (b"[]", b"null", b'{"00081199": {"Value": [1, {"00081190": {"Value": ["../studies/x"]}}]}}'):
        front.told.answer(200, shape, JSON)
        assert (await front.store(make_file(1))).status == 200
    assert front.asked.refs == []
    front.told.answer(200, b"{", JSON)
    assert (await front.store(make_file(1))).status == 502


async def test_a_body_over_the_limit_is_refused_here(front: UpstreamService) -> None:
    """As without an upstream service."""
    front.settings = Settings.model_construct(max_store_bytes=100)
    answer = await front.store(make_file(1))

    assert (answer.status, answer.json["code"]) == (413, "PayloadTooLarge")


async def test_a_dry_run_is_refused(front: UpstreamService) -> None:
    """The service would store for good."""
    answer = await front.call(
        "dicomweb_store", "/?dryRun=true", method="POST", headers={"content-type": MULTIPART}
    )

    assert (answer.status, front.told.requests) == (400, [])


async def test_a_deletion_of_what_is_no_resource_goes_nowhere(front: UpstreamService) -> None:
    """Frames cannot be deleted, whatever the service would make of it."""
    answer = await front.call(
        "dicomweb_delete", method="DELETE", route={"study": "1.2", "path": "series/1.3/metadata"}
    )

    assert (answer.status, front.told.requests) == (404, [])


async def test_other_partitions_stay_here(front: UpstreamService) -> None:
    """The upstream service holds the default one; the feed is the archive's own too."""
    route = {"partition": "research"}
    body = [multipart(make_file(1))]
    headers = {"content-type": MULTIPART}
    stored_here = await front.call(
        "dicomweb_partition_store", method="POST", headers=headers, body=body, route=route
    )
    feed = await front.call("dicomweb_changes")
    assert (stored_here.status, feed.status, front.told.requests) == (200, 200, [])

    await front.call("dicomweb_partition_search", route={"partition": "default", "resource": "studies"})
    assert len(front.told.requests) == 1
