"""What the edge takes for a token, what it tells who has none, and what it shows of whom."""

import pytest

from shared.access.callers import Role
from shared.errors import BackendUnavailableError
from tests.unit.flows.builders import make_file
from tests.unit.functions.callers import ISSUER, bearing, take_tokens
from tests.unit.functions.requests import make_request, receive_answer
from tests.unit.functions.service import HANDLERS, Service

SEARCH = {"resource": "studies"}


@pytest.fixture
def guarded(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Return an archive whose callers need tokens."""
    take_tokens(monkeypatch)
    return service


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token {}", "{}", "Bearer {}, Bearer {}", "Bearer {} x"],
)
async def test_other_credentials_are_none(guarded: Service, value: str) -> None:
    """However much they look like a token."""
    headers = {"authorization": value.replace("{}", ISSUER.token("admin"))}
    answer = await guarded.call("dicomweb_search", headers=headers, route=SEARCH)
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_may_be_written_in_any_case(guarded: Service, scheme: str) -> None:
    """RFC 9110 §11.1."""
    headers = {"authorization": f"{scheme} {ISSUER.token('reader')}"}
    assert (await guarded.call("dicomweb_search", headers=headers, route=SEARCH)).status == 204


async def test_two_tokens_are_none(guarded: Service) -> None:
    """One of them would be checked and another proxy's idea taken for the caller."""
    request = make_request("GET", "/", headers=bearing("admin"), route=SEARCH)
    request.scope["headers"].append((b"authorization", bearing("reader")["authorization"].encode()))
    answer = await receive_answer(await HANDLERS["dicomweb_search"](request))
    assert answer.status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ms-client-principal": "eyJyb2xlcyI6WyJhZG1pbiJdfQ==", "x-ms-client-principal-id": "me"},
        {"x-functions-key": "guess"},
        {"cookie": "access_token={}"},
        {"x-forwarded-authorization": "Bearer {}"},
        {"x-ms-token-aad-id-token": "{}"},
    ],
)
async def test_no_other_header_lets_anybody_in(guarded: Service, headers: dict[str, str]) -> None:
    """Not those by which the platform tells who it has signed in: any client can send them."""
    given = {name: value.replace("{}", ISSUER.token("admin")) for name, value in headers.items()}
    url = f"/?access_token={ISSUER.token('admin')}&code=guess"
    assert (await guarded.call("dicomweb_search", url, headers=given, route=SEARCH)).status == 401


async def test_a_browser_s_token_reads_and_never_writes(guarded: Service) -> None:
    """The platform's sign-in adds it to what a page of another origin makes a browser send, too."""
    given = {"x-ms-token-aad-access-token": ISSUER.token("admin")}
    assert (await guarded.call("start_page", "/ui", headers=given)).status == 200
    posted = await guarded.call("rebuild_search", method="POST", headers=given)
    assert posted.status == 401
    given = {"x-ms-token-aad-access-token": ISSUER.by_another_key("admin")}
    assert (await guarded.call("start_page", "/ui", headers=given)).status == 401


async def test_an_answer_tells_nothing_of_the_token(guarded: Service) -> None:
    """Neither of its claims nor of where it fails beyond a sentence of ours."""
    token = ISSUER.token("admin", aud='x", error="none"\r\nX-Injected: 1')
    answer = await guarded.call("dicomweb_search", headers={"authorization": f"Bearer {token}"}, route=SEARCH)
    assert answer.status == 401
    assert "Injected" not in str(answer.headers)
    assert token not in str(answer.headers) + answer.body.decode()
    assert 'error_description="the token is for another audience"' in answer.headers["www-authenticate"]


async def test_while_the_issuer_is_down_it_is_503(guarded: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has a good token is not told that it is none."""

    async def down() -> None:
        raise BackendUnavailableError("the issuer of tokens did not answer")

    monkeypatch.setattr(ISSUER, "fetch", down)
    take_tokens(monkeypatch)
    answer = await guarded.call("dicomweb_search", headers=bearing("reader"), route=SEARCH)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


async def test_jobs_of_other_partitions_are_closed(guarded: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their status names instances, and their reports what was changed in them."""
    settings = guarded.settings.model_copy(update={"deidentify_secret": "s" * 32})
    monkeypatch.setattr(guarded, "settings", settings)
    await guarded.partitions.add("a")
    services = await guarded.bound("a")
    from datetime import UTC, datetime

    from shared.ports.jobs import Job

    job = Job("0" * 32, "a", (), datetime.now(UTC), 0)
    await services.jobs.create(job, [])
    route = {"job": job.job_id, "number": "1"}
    for name, allowed in (("deidentify_status", 200), ("deidentify_report", 404)):
        assert (await guarded.call(name, headers=bearing("reader:b"), route=route)).status == 403
        assert (await guarded.call(name, headers=bearing("reader:a"), route=route)).status == allowed


async def test_health_tells_who_has_no_token_only_whether(
    guarded: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the app depends on is for who may read."""
    from functions import _wiring

    async def connections() -> dict[str, str]:
        return {"table studies": "denied"}

    monkeypatch.setattr(_wiring, "connections", connections)
    answer = await guarded.call("health")
    assert (answer.status, answer.json) == (503, {"status": "degraded"})
    assert (await guarded.call("health_check")).status == 401
    told = await guarded.call("health_check", headers=bearing("reader"))
    assert told.json["dependencies"] == {"table studies": "denied"}


async def test_a_partition_s_reader_gets_its_instances_and_no_others(guarded: Service) -> None:
    """Through the whole way: stored in one, sought in both."""
    stored = await guarded.store(make_file(1), authorization=bearing("writer")["authorization"])
    assert stored.status == 200
    assert (await guarded.search(authorization=bearing("reader:default")["authorization"])).status == 200
    assert (await guarded.search(authorization=bearing("reader:b")["authorization"])).status == 403
    assert Role.READER < Role.WRITER
