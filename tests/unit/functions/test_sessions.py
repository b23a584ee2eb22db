"""Upload sessions over HTTP: what is answered, by the handlers on an archive in memory."""

from typing import Any

import orjson
import pytest

from shared.records import ObjectKey
from tests.unit.flows.builders import make_file
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service


async def call(service: Service, name: str, method: str = "POST", body: Any = None, **route: str) -> Answer:
    """Call a handler with a JSON body."""
    sent = [] if body is None else [orjson.dumps(body)]
    return await service.call(name, "http://x/sessions", method=method, body=sent, route=route)


async def begin(service: Service, *names: str) -> dict[str, Any]:
    """Begin a session for files of these names."""
    answer = await call(service, "start_session", body={"files": list(names)})
    assert answer.status == 201, answer.body
    told: dict[str, Any] = orjson.loads(answer.body)
    assert answer.headers["location"] == told["url"]
    return told


def put(service: Service, session: str, name: str, data: bytes) -> None:
    """Put a file as a client would, past the app."""
    service.world.objects.write(ObjectKey("sessions", f"{session}/{name}"), data)


async def test_a_session_from_its_begin_to_its_end(service: Service) -> None:
    """201 with a target for each file, 200 with counts once all is published, and then it is found."""
    told = await begin(service, "a.dcm", "b.dcm")
    session = told["session"]
    assert [target["name"] for target in told["targets"]] == ["a.dcm", "b.dcm"]
    assert told["status"] == "open"
    put(service, session, "a.dcm", make_file(1))
    missing = await call(service, "commit_session", body={"files": ["a.dcm", "b.dcm"]}, job=session)
    assert missing.status == 400
    assert "b.dcm" in orjson.loads(missing.body)["detail"]
    more = await call(service, "session_targets", body={"files": ["c.dcm"]}, job=session)
    assert [target["name"] for target in orjson.loads(more.body)["targets"]] == ["c.dcm"]
    put(service, session, "b.dcm", make_file(2))
    assert (await service.search()).status == 204
    done = await call(service, "commit_session", job=session)
    assert done.status == 200
    status = orjson.loads((await call(service, "session_status", "GET", job=session)).body)
    assert (status["status"], status["done"], status["failed"], status["failures"]) == ("done", 2, 0, [])
    assert len(orjson.loads((await service.search()).body)) == 1
    assert (await call(service, "abandon_session", "DELETE", job=session)).status == 409


async def test_a_file_that_cannot_be_published_is_named(service: Service) -> None:
    """409, with the file and the reason; nothing is found."""
    session = (await begin(service, "a.dcm", "x.dcm"))["session"]
    put(service, session, "a.dcm", make_file(1))
    put(service, session, "x.dcm", b"no DICOM")
    answer = await call(service, "commit_session", job=session)
    assert answer.status == 409
    told = orjson.loads(answer.body)
    assert told["status"] == "failed"
    assert [failure["file"] for failure in told["failures"]] == ["x.dcm"]
    assert (await service.search()).status == 204


async def test_an_abandoned_session_is_refused_and_an_unknown_one_not_found(service: Service) -> None:
    """204, and again 204; then it takes nothing. 404 for ids of no session."""
    session = (await begin(service))["session"]
    for _ in range(2):
        assert (await call(service, "abandon_session", "DELETE", job=session)).status == 204
    assert (await call(service, "session_targets", body={"files": ["a"]}, job=session)).status == 400
    assert (await call(service, "commit_session", job=session)).status == 409
    for unknown in ("0" * 32, "../x", ""):
        assert (await call(service, "session_status", "GET", job=unknown)).status == 404


@pytest.mark.parametrize("body", [[1], {"files": "a"}, {"files": [1]}, "x", {"files": ["../a"]}])
async def test_a_body_that_names_no_files_is_refused(service: Service, body: Any) -> None:
    """400, and no session is begun."""
    assert (await call(service, "start_session", body=body)).status == 400
    assert service.world.sessions.notes == {}
