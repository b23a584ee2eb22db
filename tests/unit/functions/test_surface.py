"""Every HTTP function has its role declared in one place, and the edge holds its callers to it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from functions._http import answers_errors
from functions._surface import SURFACES, Reach
from shared.access.callers import Role
from shared.ports.jobs import Job
from tests.unit.functions.callers import bearing, take_tokens
from tests.unit.functions.requests import make_request, receive_answer
from tests.unit.functions.service import HANDLERS, Service

GOLDEN = Path(__file__).parents[2] / "host" / "golden"
ROUTE = {
    "study": "1.2",
    "series": "1.3",
    "instance": "1.4",
    "year": "2020",
    "id": "S1",
    "view": "L__CC",
    "job": "0" * 32,
    "number": "1",
    "uid": "1.2",
    "container": "images",
    "name": "a",
    "queue": "blob-events",
    "path": "",
    "resource": "studies",
}
OPEN = {"health", "openapi", "page_asset", "preflight"}
"""What anybody may see: it holds no data and no secret."""
OF_THE_WHOLE = {
    *(f"{root}_{name}" for root in ("dicomweb", "v1", "v2") for name in ("changes", "partitions")),
    "index_cases",
    "migrate_reports",
    "rebuild_search",
    "drift_report",
    "reindex_now",
    "ledger_of_object",
    "poison_list",
    "poison_replay",
    "poison_replay_all",
}
CLOSED = sorted(set(SURFACES) & set(HANDLERS) - OPEN)


def registered() -> dict[str, dict[str, Any]]:
    """Return the HTTP triggers that the worker reports, by function."""
    reported = [json.loads(path.read_text()) for path in GOLDEN.glob("*.json")]
    return {
        name: binding
        for functions in reported
        for name, bindings in functions.items()
        for binding in bindings
        if binding["type"] == "httpTrigger"
    }


def test_every_route_has_its_role_declared() -> None:
    """Without, tokens of Entra ID open it to nobody."""
    missing = sorted(set(registered()) - set(SURFACES))
    assert missing == [], (
        f"add {missing} to functions/_surface.py: the role that each needs, of which data partition (its reach),"
        " and the audit event that a request is, or None where it touches no patient's data"
    )


def test_nothing_is_declared_that_is_not_there() -> None:
    """A function that goes is taken out of functions/_surface.py too; some roots have no partitions of it."""
    known = set(registered())
    gone = {name for name in SURFACES if name not in known and "_partition_" not in name}
    assert gone == set(), "take these out of functions/_surface.py"


def test_a_handler_is_named_as_its_function() -> None:
    """That is how the edge finds what is declared of it."""
    others = {name: handler.__name__ for name, handler in HANDLERS.items() if handler.__name__ != name}
    assert others == {}, "call the handler as in function_name(...), above it"


def test_a_route_with_a_partition_reaches_that_one() -> None:
    """Who may read one must not read another by its path."""
    wrong = {
        name
        for name, binding in registered().items()
        if "{partition}" in binding["route"] and SURFACES[name].reach is not Reach.PATH
    }
    assert wrong == set()


def test_what_is_open_is_a_short_list() -> None:
    """Adding to it is a decision."""
    assert {name for name, surface in SURFACES.items() if surface.role is None} == OPEN


def test_what_changes_something_needs_a_writer() -> None:
    """Of the methods that may change something, readers have only those that compute an answer of a body."""
    computing = {"describe_file", "risk_of_file", "search_by_query", "search_file_by_query"}
    for name, binding in registered().items():
        role = SURFACES[name].role
        if role is not None and {"POST", "PUT", "DELETE"} & set(binding["methods"]) and name not in computing:
            assert role >= Role.WRITER, f"{name} must need a writer, in functions/_surface.py"


@pytest.fixture
def guarded(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Return an archive whose callers need tokens."""
    take_tokens(monkeypatch)
    return service


async def status(service: Service, name: str, headers: dict[str, str], url: str = "/", **route: str) -> int:
    """Call a function and return the status of its answer."""
    answer = await service.call(name, url, method="POST", headers=headers, route=ROUTE | route)
    return answer.status


@pytest.mark.parametrize("name", CLOSED)
async def test_without_a_token_it_is_401_and_without_a_role_403(guarded: Service, name: str) -> None:
    """A01: with how to get one, and before anything is looked at."""
    answer = await guarded.call(name, method="POST", route=ROUTE)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="dicom-functions"')
    assert "error=" not in answer.headers["www-authenticate"]
    refused = await guarded.call(name, method="POST", headers=bearing("unknown"), route=ROUTE)
    assert (refused.status, refused.json["code"]) == (403, "Forbidden")
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]


@pytest.mark.parametrize("name", [name for name in CLOSED if SURFACES[name].role != Role.READER])
async def test_the_role_before_it_is_not_enough(guarded: Service, name: str) -> None:
    """A01: a reader does not write, a writer does not administer."""
    role = SURFACES[name].role
    assert role is not None
    assert await status(guarded, name, bearing(Role(role - 1).name.lower())) == 403


@pytest.mark.parametrize("name", CLOSED)
async def test_the_declared_role_is_enough(guarded: Service, name: str) -> None:
    """Whatever is then wrong with the request."""
    role = SURFACES[name].role
    assert role is not None
    assert await status(guarded, name, bearing(role.name.lower())) not in (401, 403)


@pytest.mark.parametrize("name", CLOSED)
async def test_a_role_in_one_partition_opens_no_other(guarded: Service, name: str) -> None:
    """Neither by path nor by parameter nor by default, and nothing of the whole archive."""
    headers = bearing("writer:a", "reader:a")
    reach = SURFACES[name].reach
    if name in OF_THE_WHOLE:
        assert reach is Reach.WHOLE
    if reach in (Reach.NOTHING, Reach.HANDLER):
        return
    assert await status(guarded, name, headers) == 403
    assert await status(guarded, name, headers, "/?partition=b") == 403
    assert await status(guarded, name, headers, "/?partition=b&partition=a") == 403
    assert await status(guarded, name, headers, "/?partition=a&partition=b") == 403
    if reach is not Reach.QUERY:
        assert await status(guarded, name, headers, "/?partition=a", partition="b") == 403
    assert await status(guarded, name, headers, "/?Partition=a&partition=") == 403
    if reach is Reach.PATH:
        await guarded.partitions.add("a")
        assert await status(guarded, name, headers, partition="a") not in (401, 403)
    if reach is Reach.QUERY:
        await guarded.partitions.add("a")
        assert await status(guarded, name, headers, "/?partition=a") not in (401, 403)
        assert await status(guarded, name, headers, "/?partition=a&toPartition=b") == 403
        assert await status(guarded, name, headers, "/?partition=a&toContainer=mine") == 403
        assert await status(guarded, name, headers, "/?partition=a&index=other") == 403


OF_A_JOB = {
    "deidentify_status": "deidentify",
    "deidentify_report": "deidentify",
    "upload_status": "upload",
    "upload_log": "upload",
    "import_status": "import",
    "import_manifest": "import",
    "resume_import": "import",
    "session_targets": "session",
    "commit_session": "session",
    "abandon_session": "session",
    "session_status": "session",
}
"""Functions whose data partition stands in the job that they are asked for, with its kind."""


def test_who_finds_the_partition_first_is_tested() -> None:
    """What the edge leaves to the handler is looked at below, one by one."""
    left = {name for name, surface in SURFACES.items() if surface.reach is Reach.HANDLER}
    assert left == {*OF_A_JOB, "start_import"}


@pytest.mark.parametrize("name", sorted(OF_A_JOB))
async def test_a_job_of_another_partition_is_closed(guarded: Service, name: str) -> None:
    """A01: a writer of one data partition neither reads the other's job nor touches it; one of that partition does."""
    services = await guarded.services()
    job = Job("f" * 32, "b", (("source", "old"),), datetime.now(UTC), 0, OF_A_JOB[name], "open")
    await services.jobs.create(job, [])
    for headers in (bearing("writer:a"), bearing("writer:default"), bearing("writer:a", "reader:a")):
        assert await status(guarded, name, headers, job="f" * 32) == 403
        assert await status(guarded, name, headers, "/?partition=a", job="f" * 32) == 403
    assert (await services.jobs.get("f" * 32)).phase == "open"
    if SURFACES[name].role is Role.WRITER:
        assert await status(guarded, name, bearing("reader:b"), job="f" * 32) == 403


async def test_an_import_into_another_partition_is_refused(guarded: Service) -> None:
    """By its body, by none, and into a container whose files any data partition may take in."""
    for body in ({"partition": "b"}, {}, {"partition": "a", "container": "images"}):
        answer = await guarded.call(
            "start_import",
            method="POST",
            headers=bearing("writer:a") | {"Content-Type": "application/json"},
            body=[json.dumps({"source": "old"} | body).encode()],
        )
        assert answer.status == 403, body


async def test_a_function_that_nobody_declared_is_closed(guarded: Service) -> None:
    """To administrators too, until somebody has decided."""

    @answers_errors
    async def forgotten(_: Any) -> Any:
        raise AssertionError("it was called")

    answer = await receive_answer(await forgotten(make_request("GET", "/", headers=bearing("admin"))))
    assert answer.status == 403
    assert "no role is declared" in answer.json["detail"]
