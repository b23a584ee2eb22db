"""The ledger over HTTP: what reconciling found, a slice of it, and where an object is."""

import logging

import pytest

from functions import _wiring
from functions.timer_reindex import make_blueprint
from shared.flows._reindex_ports import BATCH
from shared.flows.index_instance import index_instance
from shared.records import ObjectKey
from tests.unit.flows.builders import make_file
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service, user_function

NAME = "Doe^Jane 1970/scan #1.dcm"


def drop(service: Service, name: str, data: bytes) -> ObjectKey:
    """Write an object past the archive."""
    key = ObjectKey("images", name)
    service.world.objects.write(key, data)
    return key


async def reindex(service: Service, query: str = "") -> Answer:
    """Ask for a slice."""
    return await service.call("reindex_now", f"/ledger/reindex?{query}", method="POST")


async def test_a_pass_is_reported_and_kept(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """Its counts and names go to who asks, and no name to the log."""
    caplog.set_level(logging.DEBUG)
    assert (await service.call("drift_report", "/ledger")).json == {"running": None, "last": None}
    drop(service, NAME, make_file(1))
    drop(service, "text", b"no DICOM")

    answer = await reindex(service)

    assert answer.status == 200
    said = answer.json
    assert said["objects"] == {"indexed": 1, "rejected": 1}
    assert said["drift"] == {"new": {"count": 2, "examples": [f"images/{NAME}", "images/text"]}}
    assert (await service.call("drift_report", "/ledger")).json == {"running": None, "last": said}
    assert "Doe" not in caplog.text


async def test_a_pass_out_of_time_says_how_to_go_on(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """202 until all is reconciled; meanwhile the report says how far it is."""
    for number in range(BATCH + 1):
        drop(service, f"{number:05}", b"no DICOM")
    monkeypatch.setattr("functions.http_ledger.number", lambda *_, **__: 0)
    answer = await reindex(service)

    assert answer.status == 202
    said = answer.json
    assert said["next"].startswith("POST /ledger/reindex goes on")
    assert (said["complete"], said["after"]) == (False, f"{BATCH - 1:05}")
    report = (await service.call("drift_report", "/ledger")).json
    assert report["running"]["objects"] == {"rejected": BATCH}
    while answer.status == 202:
        answer = await reindex(service)
    assert answer.json["objects"] == {"rejected": BATCH + 1}


@pytest.mark.parametrize("query", ["seconds=0", "seconds=201", "force=maybe", "restart=1"])
async def test_what_has_no_meaning_is_refused(service: Service, query: str) -> None:
    """With 400, and nothing is begun."""
    assert (await reindex(service, query)).status == 400
    assert service.world.checkpoints.rows == {}


async def test_an_object_is_found_by_its_name(service: Service) -> None:
    """Where it is, its state and why, whose bytes it holds, and whether the index has it."""
    good, bad = drop(service, NAME, make_file(1)), drop(service, "a/text", b"no DICOM")
    unseen = drop(service, "new", make_file(2))
    for key in (good, bad):
        await index_instance(key, service.world.index_ports)

    async def facts(name: str) -> Answer:
        return await service.call("ledger_of_object", route={"container": "images", "name": name})

    said = (await facts(good.name)).json
    [record] = service.world.index.serving_records()
    assert said["instance"]["sop_instance_uid"] == record.ref.sop_instance_uid
    expected = {"name": NAME, "state": "indexed", "indexed": True, "serves": True, "is_current": True}
    assert expected.items() <= said.items()
    assert said["stored"]["etag"] == said["etag"] == record.location.etag
    said = (await facts(bad.name)).json
    assert (said["state"], said["rejection"]) == ("rejected", "rejected/images/a/text.json")
    assert said["reason"]
    assert (await facts(unseen.name)).json["state"] == "unknown"
    assert (await facts("none")).status == 404
    del service.world.objects.objects[good]
    said = (await facts(good.name)).json
    assert (said["state"], said["stored"], said["is_current"]) == ("indexed", None, False)


async def test_objects_are_found_by_the_instance_they_hold(service: Service) -> None:
    """What serves first; 404 for none, 400 for what is no UID."""
    for name in ("b.dcm", "a.dcm"):
        await index_instance(drop(service, name, make_file(1)), service.world.index_ports)
    [record] = service.world.index.serving_records()

    async def objects(uid: str) -> Answer:
        return await service.call("ledger_of_instance", route={"uid": uid})

    said = (await objects(record.ref.sop_instance_uid)).json["objects"]
    assert [(one["name"], one["serves"]) for one in said] == [("b.dcm", True), ("a.dcm", False)]
    assert (await objects("1.2.99")).status == 404
    assert (await objects("no uid")).status == 400


async def test_the_timer_reconciles_not_too_often(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins a pass when the last one began long enough ago."""
    monkeypatch.setattr(_wiring, "settings", lambda: service.settings)
    [builder] = make_blueprint("0 * * * * *")._function_builders
    run = user_function(builder)
    drop(service, "a", b"no DICOM")
    await run(None)
    drop(service, "b", b"no DICOM")
    await run(None)

    assert len(service.world.ledger.entries) == 1
    service.settings = service.settings.model_copy(update={"reindex_every_hours": 0})
    await run(None)
    assert len(service.world.ledger.entries) == 2
