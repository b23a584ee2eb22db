"""Every request that touches patients' data leaves an audit message, and none of them holds a value."""

import ast
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from functions import _wiring
from functions._audit import auditing
from functions._events import HandlerError, acknowledges_permanent_errors
from functions._http import answers_errors
from functions._streaming import stream_response
from functions._surface import SURFACES
from shared.access.audit_events import Action
from shared.access.touched import touch
from shared.dicom.references import StudyRef
from shared.errors import BackendUnavailableError, InvalidRequestError
from shared.ports.jobs import Job
from shared.settings.settings import Settings
from tests.unit.flows.builders import SERIES, STUDY, make_data_set, make_file, to_file
from tests.unit.functions.callers import bearing, take_tokens
from tests.unit.functions.requests import make_request, receive_answer
from tests.unit.functions.service import HANDLERS, Service
from tests.unit.functions.test_surface import ROUTE

ROOT = Path(__file__).parents[3]
NO_DATA = {
    *(f"{root}{part}_partitions" for root in ("dicomweb", "v1", "v2") for part in ("", "_partition")),
    "health",
    "health_check",
    "openapi",
    "page_asset",
    "preflight",
}
"""What touches no patient's data: names of partitions, states of dependencies, the interface itself."""
NAME = "Doe^Jane"


class Trail:
    """Keeps audit messages."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        """Keep one."""
        self.lines.append(line)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What was written, read."""
        return [json.loads(line) for line in self.lines]

    def last(self) -> dict[str, Any]:
        """Return the last message."""
        return self.messages[-1]


@pytest.fixture
def trail(monkeypatch: pytest.MonkeyPatch) -> Trail:
    """Return where messages go."""
    made = Trail()
    monkeypatch.setattr(_wiring, "audit_trail", lambda: made)
    return made


def what(message: dict[str, Any]) -> tuple[str, str, int]:
    """Return event, action and outcome of a message."""
    return message["EventID"]["csd-code"], message["EventActionCode"], message["EventOutcomeIndicator"]


def uids(message: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Return the studies of a message, each with its instances."""
    return [
        (one["ParticipantObjectID"], one.get("SOPInstanceUID", []))
        for one in message.get("ParticipantObjectIdentification", [])
    ]


def test_every_route_is_audited_or_touches_no_data() -> None:
    """Which is declared in functions/_surface.py, and here for those that touch none."""
    without = {name for name, surface in SURFACES.items() if surface.event is None}
    assert without == NO_DATA, (
        "give these an audit event in functions/_surface.py, or say here that they touch none"
    )


@pytest.mark.parametrize("name", sorted((set(SURFACES) & set(HANDLERS)) - NO_DATA))
async def test_every_route_writes_one_message(service: Service, trail: Trail, name: str) -> None:
    """As the event that is declared, whatever becomes of the request."""
    answer = await service.call(name, method="POST", route=ROUTE)
    [message] = trail.messages
    assert message["Operation"] == name
    assert message["Status"] == answer.status
    assert message["EventActionCode"] == SURFACES[name].action
    assert message["EventOutcomeIndicator"] == (0 if answer.status < 400 else 4 if answer.status < 500 else 8)


TRIGGERS = {"queue_trigger", "timer_trigger", "blob_trigger"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "functions").glob("*.py")), ids=lambda path: path.relative_to(ROOT).name
)
def test_every_other_trigger_is_audited_as_the_app_s_own(path: Path) -> None:
    """The decorator that judges its errors sees to it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.AsyncFunctionDef):
            marks = [ast.unparse(mark) for mark in node.decorator_list]
            if any(f".{trigger}(" in mark for mark in marks for trigger in TRIGGERS):
                assert "acknowledges_permanent_errors" in marks, node.name


async def test_storing_reading_and_deleting_say_which_instances(service: Service, trail: Trail) -> None:
    """The whole life of two instances, and a search in between."""
    await service.store(make_file(1), make_file(2))
    assert what(trail.last()) == ("110104", "C", 0)
    assert uids(trail.last()) == [(STUDY, [f"{SERIES}.1", f"{SERIES}.2"])]
    await service.search("PatientName=Doe*&StudyDate=20200101-")
    assert what(trail.last()) == ("110112", "E", 0)
    assert trail.last()["QueryKeys"] == ["00080020", "00100010"]
    await service.retrieve(f"{STUDY}/series/{SERIES}/instances/{SERIES}.1/metadata")
    assert what(trail.last()) == ("110103", "R", 0)
    assert uids(trail.last()) == [(STUDY, [f"{SERIES}.1"])]
    answer = await service.retrieve(
        f"{STUDY}/series/{SERIES}", 'multipart/related; type="application/dicom"; transfer-syntax=*'
    )
    assert what(trail.last()) == ("110104", "R", 0)
    assert trail.last()["BytesSent"] == len(answer.body)
    await service.call("dicomweb_delete", method="DELETE", route={"study": STUDY, "path": ""})
    assert what(trail.last()) == ("110105", "D", 0)
    assert uids(trail.last()) == [(STUDY, [f"{SERIES}.1", f"{SERIES}.2"])]
    await service.call("dicomweb_delete", method="DELETE", route={"study": STUDY, "path": ""})
    assert what(trail.last()) == ("110105", "D", 4)
    assert trail.last()["EventOutcomeDescription"] == "StudyNotFoundError"


async def test_an_answer_that_breaks_off_is_no_success(service: Service, trail: Trail) -> None:
    """It is audited when it ends, with as much as was sent."""
    await service.store(make_file(1), make_file(2))
    route = {"study": STUDY, "path": ""}
    headers = {"accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
    request = make_request("GET", "/", headers=headers, route=route)
    response = await HANDLERS["dicomweb_retrieve"](request)
    before = len(trail.lines)
    with pytest.raises(ClientDisconnect):
        await receive_answer(response, leave_after=0)
    assert len(trail.lines) == before + 1
    assert what(trail.last()) == ("110104", "R", 8)
    assert trail.last()["BytesSent"] == 0


async def test_a_source_that_fails_while_it_is_sent_is_no_success(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status was 200; the audit says what became of it."""

    async def pieces() -> Any:
        yield b"12345"
        raise BackendUnavailableError("gone")

    @answers_errors
    async def search_file(_: Request) -> Response:
        return await stream_response(pieces(), media_type="application/dicom")

    with pytest.raises(BackendUnavailableError):
        await receive_answer(await search_file(make_request("GET", "/")))
    assert what(trail.last()) == ("110104", "R", 8)
    assert (trail.last()["Status"], trail.last()["BytesSent"]) == (200, 5)


async def test_no_value_of_a_patient_enters_a_message(service: Service, trail: Trail) -> None:
    """Neither from the query, nor from names of parameters, paths, cases, file names or headers."""
    data_set = make_data_set(1)
    data_set.PatientName = NAME
    data_set.PatientID = "MRN-4711"
    await service.store(to_file(data_set))
    await service.search("PatientName=Doe^Jane&PatientID=MRN-4711")
    await service.search("Doe^Jane=1")
    await service.search("DoeJane=MRN-4711")
    await service.call("search", "/search?PatientID=MRN-4711&q=Doe^Jane")
    await service.call("list_cases", "/cases?id=MRN-4711")
    await service.call("get_case", route={"year": "2020", "id": "MRN-4711"})
    await service.call("get_report", route={"year": "2020", "id": "MRN-4711"})
    await service.call("ledger_of_object", route={"container": "images", "name": f"{NAME}.dcm"})
    await service.call("start_page", "/ui?name=Doe^Jane&patient=MRN-4711")
    await service.retrieve(f"{NAME}/series/MRN-4711")
    await service.call("describe_file", f"/describe?partition={NAME}", method="POST", body=[b"x"])
    headers = {"x-forwarded-for": NAME, "x-ms-invocation-id": NAME, "user-agent": NAME, "referer": NAME}
    await service.call("dicomweb_search", headers=headers, route={"resource": "studies"})
    written = "\n".join(trail.lines)
    assert len(trail.lines) == 13
    for value in ("Doe", "Jane", "4711", "MRN"):
        assert value not in written


async def test_a_case_is_told_from_others_and_not_named(service: Service, trail: Trail) -> None:
    """By a keyed hash; its id may be the patient's."""
    for case_id in ("S1", "S2", "S1"):
        await service.call("get_report", route={"year": "2020", "id": case_id})
    first, second, third = (message["Case"] for message in trail.messages)
    assert first == third != second


async def test_refusals_are_audited_with_who_was_refused(
    service: Service, trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a login that failed, and as the use of what is restricted."""
    take_tokens(monkeypatch)
    await service.call("dicomweb_delete", method="DELETE", route={"study": STUDY, "path": ""})
    message = trail.last()
    assert what(message) == ("110114", "E", 4)
    assert message["EventTypeCode"]["csd-code"] == "110122"
    assert message["ActiveParticipant"][0]["UserID"] == "nobody"
    headers = bearing("reader")
    await service.call(
        "dicomweb_delete", method="DELETE", headers=headers, route={"study": STUDY, "path": ""}
    )
    message = trail.last()
    assert what(message) == ("110113", "E", 4)
    assert message["EventTypeCode"]["csd-code"] == "110132"
    assert message["ActiveParticipant"][0]["UserID"].startswith("aaaaaaaa-")
    assert message["ActiveParticipant"][0]["RoleIDCode"] == ["reader"]
    assert uids(message) == [(STUDY, [])]
    await service.call("health_check")
    assert what(trail.last()) == ("110114", "E", 4)
    assert headers["authorization"][7:] not in "".join(trail.lines)


async def test_a_key_s_bearer_is_known_as_that_only(service: Service, trail: Trail) -> None:
    """The platform does not say whose key it was; the key itself is not written."""
    await service.call("list_risks", "/risk?code=sEcReT", headers={"x-functions-key": "sEcReT"})
    assert trail.last()["ActiveParticipant"][0]["UserID"] == "function-key"
    assert "sEcReT" not in trail.lines[-1]


async def test_the_address_is_kept_as_is_set(
    service: Service, trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its network, unless told otherwise."""
    headers = {"x-forwarded-for": "10.9.8.7, 192.0.2.77:1234"}
    await service.call("list_risks", headers=headers)
    assert trail.last()["ActiveParticipant"][0]["NetworkAccessPointID"] == "192.0.2.0/24"
    monkeypatch.setattr(_wiring, "settings", lambda: Settings(audit_client_address="omitted"))
    await service.call("list_risks", headers=headers)
    assert "NetworkAccessPointID" not in trail.last()["ActiveParticipant"][0]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, 0),
        (InvalidRequestError("m"), 4),
        (BackendUnavailableError("m"), 8),
        (KeyError(NAME), 8),
    ],
)
async def test_what_a_trigger_does_is_the_app_s_own(
    trail: Trail, error: Exception | None, outcome: int
) -> None:
    """A message for each kind of what was done; a timer that finds nothing to do writes none."""

    @acknowledges_permanent_errors
    async def blob_event() -> None:
        touch(Action.CREATE, StudyRef("1.2"))
        touch(Action.DELETE, StudyRef("1.3"))
        if error is not None:
            raise error

    try:
        await blob_event()
    except (BackendUnavailableError, HandlerError):
        assert outcome == 8
    created, deleted = trail.messages
    assert (what(created), uids(created)) == (("110107", "C", outcome), [("1.2", [])])
    assert (what(deleted), uids(deleted)) == (("110105", "D", outcome), [("1.3", [])])
    assert created["ActiveParticipant"][0]["UserID"] == "system"
    assert NAME not in "".join(trail.lines)

    with auditing("sweep_studies"):
        pass
    assert len(trail.lines) == 2


async def test_a_job_is_audited_in_its_partition(service: Service, trail: Trail) -> None:
    """Whether it is told of or refused, for its path names no data partition."""
    services = await service.services()
    job = Job("f" * 32, "site-b", (), datetime.now(UTC), 0, "deidentify")
    await services.jobs.create(job, [])
    answer = await service.call("deidentify_status", route={"job": "f" * 32})
    assert answer.status == 200
    assert trail.last()["DataPartition"] == "site-b"


async def test_a_refusal_names_the_partition_of_the_job(
    service: Service, trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was that one that somebody reached for."""
    take_tokens(monkeypatch)
    services = await service.services()
    await services.jobs.create(Job("f" * 32, "site-b", (), datetime.now(UTC), 0, "deidentify"), [])
    answer = await service.call(
        "deidentify_status", headers=bearing("reader:site-a"), route={"job": "f" * 32}
    )
    assert answer.status == 403
    assert (trail.last()["EventID"]["csd-code"], trail.last()["DataPartition"]) == ("110113", "site-b")
