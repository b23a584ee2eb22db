"""What was given up, over HTTP: listed with its reason, and sent again."""

import json
import logging
from datetime import UTC, datetime

import pytest

from client.azurite import QUEUES
from functions import _wiring, queue_analytics, queue_import, queue_upload
from functions._last_tries import LAST_TRIES
from functions.timer_drain_poison import make_blueprint
from shared.dicom.references import InstanceRef
from shared.ports.jobs import ItemState, Job, JobItem
from shared.records import ObjectKey
from shared.telemetry import metrics
from tests.unit.flows.builders import make_file
from tests.unit.functions.service import Service, user_function

BLOB = '{"type": "Microsoft.Storage.BlobCreated", "subject": "/blobServices/default/containers/images/blobs/Doe^Jane.dcm"}'


@pytest.fixture
def drain(service: Service, monkeypatch: pytest.MonkeyPatch) -> object:
    """Give the timer's function on the archive."""
    monkeypatch.setattr(_wiring, "settings", lambda: service.settings)
    [builder] = make_blueprint("0 0 * * * *")._function_builders
    return user_function(builder)


async def test_an_event_that_works_at_last_is_done(service: Service, drain: object) -> None:
    """The object is indexed, and nothing is kept."""
    service.world.objects.write(ObjectKey("images", "Doe^Jane.dcm"), make_file(1))
    service.world.poison.give_up("blob-events", BLOB.encode())
    await drain(None)  # type: ignore[operator]

    assert (await service.call("poison_list", "/poison")).json == {"messages": []}
    assert (await service.search()).status == 200


async def test_messages_are_listed_with_their_reasons_and_sent_again(
    service: Service, drain: object, caplog: pytest.LogCaptureFixture
) -> None:
    """What names an object is in the answer and in no log."""
    caplog.set_level(logging.DEBUG)
    service.world.poison.give_up("blob-events", b"Doe^Jane")
    service.world.poison.give_up("study-changed", b"{}")
    await drain(None)  # type: ignore[operator]

    listed = (await service.call("poison_list", "/poison")).json["messages"]
    assert [one["queue"] for one in listed] == ["blob-events", "study-changed"]
    assert "not JSON" in listed[0]["reason"]
    assert "study_instance_uid" in listed[1]["reason"]
    assert [one["message"] for one in listed] == ["Doe^Jane", "{}"]

    queue, name = str(listed[0]["name"]).split("/")
    answer = await service.call("poison_replay", method="POST", route={"queue": queue, "name": name})
    assert (answer.status, answer.json) == (200, {"replayed": 1})
    answer = await service.call("poison_replay", method="POST", route={"queue": queue, "name": name})
    assert answer.status == 404
    answer = await service.call("poison_replay_all", method="POST", route={"queue": "study-changed"})
    assert answer.json == {"replayed": 1}
    assert service.world.poison.sent == [("blob-events", b"Doe^Jane"), ("study-changed", b"{}")]
    assert "Doe" not in caplog.text


async def test_an_unforeseen_failure_is_kept_without_its_message(
    service: Service, drain: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its kind is told; what it says may hold a patient's name."""

    async def fail(key: ObjectKey) -> None:
        raise ValueError(key.name)

    monkeypatch.setattr("functions._messages.look_at", fail)
    service.world.poison.give_up("blob-events", BLOB.encode())
    await drain(None)  # type: ignore[operator]

    [one] = (await service.call("poison_list", "/poison?queue=blob-events")).json["messages"]
    assert "ValueError" in one["reason"]
    assert "Doe" not in one["reason"] + caplog.text


async def test_a_queue_that_is_nobodys_is_refused(service: Service) -> None:
    """404 names those there are."""
    answer = await service.call("poison_replay_all", method="POST", route={"queue": "nobodys"})
    assert answer.status == 404
    assert "blob-events" in answer.body.decode()
    assert (await service.call("poison_list", "/poison?limit=0")).status == 400


def test_no_poison_queue_is_forgotten() -> None:
    """Whatever queue there is, the timer knows what to do with what is given up of it."""
    assert set(LAST_TRIES) == {name for name in QUEUES if not name.endswith("-poison")}


async def test_what_a_poison_trigger_does_not_get_the_timer_does(service: Service, drain: object) -> None:
    """A job that is given up says so; a message of no job is kept with that reason."""
    job = Job("0" * 32, "default", (), datetime.now(UTC), 1)
    await service.world.jobs.create(job, [JobItem(1, InstanceRef("1.2", "1.3", "1.4"))])
    for job_id in (job.job_id, "1" * 32):
        service.world.poison.give_up("deidentify", json.dumps({"job": job_id}).encode())
    await drain(None)  # type: ignore[operator]

    item = await service.world.jobs.item(job.job_id, 1)
    assert item.state is ItemState.FAILED
    assert item.error.startswith("Given up after several attempts")
    [kept] = (await service.call("poison_list", "/poison")).json["messages"]
    assert kept["reason"] == "JobNotFoundError: there is no such job"


@pytest.mark.parametrize(
    ("queue", "kind"),
    [
        ("deidentify", "deidentify"),
        ("sessions", "session"),
        ("uploads", "upload"),
        ("analytics", "upload"),
        ("imports", "import"),
    ],
)
async def test_a_job_that_is_given_up_is_counted(
    service: Service, monkeypatch: pytest.MonkeyPatch, queue: str, kind: str
) -> None:
    """Its poison queue is emptied at once, so that no other figure would raise the alert."""
    counted: list[tuple[str, int]] = []
    monkeypatch.setattr(metrics, "poison", lambda *count: counted.append(count))
    for module in (queue_analytics, queue_upload):
        monkeypatch.setattr(module, "upload_ports", lambda _: None)
        monkeypatch.setattr(module, "give_up_upload", nothing)
    monkeypatch.setattr(queue_import, "import_ports", lambda *_: None)
    monkeypatch.setattr(queue_import, "give_up_import", nothing)
    await service.world.jobs.create(Job("0" * 32, "default", (), datetime.now(UTC), 0, kind), [])

    assert await LAST_TRIES[queue](json.dumps({"job": "0" * 32}).encode(), "m1") == ""
    assert counted == [("failed", 1)]


async def nothing(*_: object, **__: object) -> None:
    """Stand in for a flow that has tests of its own."""
