"""Files go to a partner by a run: in order, once, confirmed; what fails says which phase, file and status."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pydicom
import pytest
from pydantic import SecretStr

from functions import _wiring, queue_analytics, queue_upload, timer_sweep_uploads
from functions._upload_ports import upload_ports
from shared.backends.memory.partner_api import MemoryPartnerApi
from shared.errors import BackendUnavailableError
from shared.flows.sweep_uploads import sweep_uploads
from shared.ports.partner import PartnerAnswer, SentFile
from shared.records import ObjectKey
from tests.instances import an_instance, uids
from tests.partner_server import METADATA
from tests.unit.flows.world import KilledError
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service, user_function

STUDY = uids(1)[0]
SAMPLE = "ref01"
UPLOAD = user_function(queue_upload.upload_file)
GIVE_UP = user_function(queue_upload.upload_given_up)
ANALYSE = user_function(queue_analytics.run_analytics)
ANALYSE_GIVEN_UP = user_function(queue_analytics.analytics_given_up)
SWEEP = user_function(timer_sweep_uploads.sweep_uploads)
SECRETS = (*(str(value) for key, value in METADATA.items() if key != "test_type"), "key-of-")


class Host:
    """Delivers messages as the host does: a message has an id, and comes again until its handler ends well."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.waiting: list[tuple[Any, func.QueueMessage]] = []
        self.count = 0

    def collect(self) -> None:
        """Take what was sent."""
        world = self.service.world
        jobs = [(UPLOAD, {"job": job}) for job in world.uploads.sent]
        items = [(UPLOAD, {"job": job, "item": item}) for job, item in world.uploads.sent_items]
        analyses = [(ANALYSE, {"job": job}) for job in world.analytics.sent]
        for queue in (world.uploads.sent, world.uploads.sent_items, world.analytics.sent):
            queue.clear()
        for handler, content in (*jobs, *items, *analyses):
            self.count += 1
            body = json.dumps(content).encode()
            self.waiting.append((handler, func.QueueMessage(id=f"m{self.count}", body=body)))

    async def run(self) -> None:
        """Deliver until nothing is left; an error of a handler is raised, and its message is left."""
        self.collect()
        while self.waiting:
            handler, message = self.waiting[0]
            try:
                await handler(message)
            finally:
                self.collect()
            self.waiting.pop(0)


@pytest.fixture
def partner() -> MemoryPartnerApi:
    """Give a partner who knows one sample."""
    return MemoryPartnerApi({SAMPLE: dict(METADATA)})


@pytest.fixture
async def archive(service: Service, partner: MemoryPartnerApi, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Give an archive with a study of four instances, and a partner."""
    set_up = {
        f"partner_{name}_{what}": value
        for name in ("metadata", "upload", "analytics")
        for what, value in (("url", "http://partner/"), ("key", SecretStr(f"key-of-{name}")))
    }
    service.settings = service.settings.model_copy(update=set_up)
    monkeypatch.setattr(_wiring, "settings", lambda: service.settings)
    service.partner = partner
    files = [an_instance(1, 1, number, PatientName="Doe^John") for number in range(1, 5)]
    assert (await service.store(*files)).status == 200
    return service


async def begin(service: Service, *, key: str = "", query: str = "", **body: Any) -> Answer:
    """Ask for a run; of the study unless something else is named."""
    what = {} if {"container", "instances", "case", "study"} & body.keys() else {"study": STUDY}
    content = json.dumps({"sample_id": SAMPLE, **what, **body}).encode()
    headers = {"content-type": "application/json", **({"idempotency-key": key} if key else {})}
    return await service.call(
        "begin_upload", f"/uploads{query}", method="POST", headers=headers, body=[content]
    )


async def status(service: Service, job: str) -> Mapping[str, Any]:
    """Return how far a run is."""
    answer = await service.call("upload_status", route={"job": job})
    assert answer.status == 200
    told: Mapping[str, Any] = answer.json
    return told


async def log_of(service: Service, job: str) -> str:
    """Return the log of a run."""
    answer = await service.call("upload_log", route={"job": job})
    assert answer.status == 200
    return answer.body.decode()


async def ran(service: Service, **body: Any) -> Mapping[str, Any]:
    """Begin a run, let it come to its end, and return what is told of it."""
    begun = await begin(service, **body)
    assert begun.status == 202, begun.body
    await Host(service).run()
    return await status(service, begun.json["job"])


def tagged(partner: MemoryPartnerApi) -> list[pydicom.Dataset]:
    """Return the files that the partner has."""
    return [pydicom.dcmread(io.BytesIO(data)) for data in partner.stored.values()]


async def test_the_three_phases_come_in_order(archive: Service, partner: MemoryPartnerApi) -> None:
    """Each file is tagged and sent once; the originals stay; nothing of the metadata is left or told."""
    before = {key: stored.data for key, stored in archive.world.objects.objects.items()}
    told = await ran(archive)

    assert (told["status"], told["done"], told["failed"]) == ("done", 4, 0)
    assert partner.asked == ["metadata", *["upload"] * 4, "analytics"]
    assert partner.analysed == [(SAMPLE, "cbc")]
    assert {(str(one.PatientName), one.PatientID) for one in tagged(partner)} == {
        ("Canary^Jane", "ref01-001")
    }
    after = {key: stored.data for key, stored in archive.world.objects.objects.items()}
    assert {key: after[key] for key in before} == before
    assert sorted(item["sha256"] for item in told["items"]) == sorted(partner.stored)
    log = await log_of(archive, told["job"])
    assert "file 4: sent" in log
    jobs_table = repr(archive.world.jobs._jobs)
    for secret in SECRETS:
        assert secret not in log + json.dumps(told) + jobs_table
    assert not [key for key in after if key.name.endswith("metadata.json")]
    kept = after[ObjectKey("derived", f"uploads/{told['job']}/run.log")]
    assert kept.decode() == log.replace("run.log", "")


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"patient-name": None}, "patient-name"),
        ({"clinic-name": "a\\b"}, "clinic-name"),
        ({"test_type": "x" * 10241}, "test_type"),
    ],
)
async def test_metadata_that_cannot_be_set_stop_it_before_any_upload(
    archive: Service, partner: MemoryPartnerApi, metadata: Mapping[str, Any], why: str
) -> None:
    """The key is named, in the error and in the log."""
    partner.known[SAMPLE] |= metadata
    told = await ran(archive)
    assert (told["status"], told["failedPhase"]) == ("failed", "metadata")
    assert why in told["error"]
    assert partner.asked == ["metadata"]


@pytest.mark.parametrize("service_name", ["metadata", "upload", "analytics"])
async def test_a_phase_that_fails_stops_the_later_ones(
    archive: Service, partner: MemoryPartnerApi, service_name: str
) -> None:
    """The error says which phase, file and status."""
    partner.cues[service_name].extend([403])
    told = await ran(archive)

    assert (told["status"], told["failedPhase"]) == ("failed", service_name)
    assert "403" in told["error"]
    order = ["metadata", "upload", "analytics"]
    assert set(partner.asked) == set(order[: order.index(service_name) + 1])
    if service_name == "upload":
        assert "1 of 4 files failed: file 1: " in told["error"]
        assert told["done"] == 3


async def test_a_rerun_sends_only_what_is_missing(archive: Service, partner: MemoryPartnerApi) -> None:
    """What was confirmed is not sent again, and then the analysis is asked for."""
    partner.cues["upload"].extend([200, 413, 200, 500, 500])
    first = await ran(archive, max_retry=1)
    assert (first["done"], first["failed"]) == (2, 2)
    partner.asked.clear()

    second = await ran(archive, max_retry=1)
    assert second["job"] != first["job"]
    assert second["status"] == "done"
    assert partner.asked == ["metadata", "upload", "upload", "analytics"]
    assert sorted(item["how"] for item in second["items"]) == ["confirmed before"] * 2 + ["sent"] * 2
    assert all(item["sha256"] for item in second["items"])


async def test_each_try_stands_in_the_log_with_its_status(
    archive: Service, partner: MemoryPartnerApi
) -> None:
    """In the order of the files."""
    partner.cues["upload"].extend([503, "ReadTimeout", 200])
    told = await ran(archive, max_retry=2)
    log = await log_of(archive, told["job"])
    tries = [
        line.split("| ")[-1].rsplit(" after", 1)[0] for line in log.splitlines() if "file 1: try" in line
    ]
    assert tries == [
        "file 1: try 1 was answered 503",
        "file 1: try 2 was answered ReadTimeout",
        "file 1: try 3 was answered 200",
    ]


async def test_the_same_request_is_the_same_run_while_it_goes_on(archive: Service) -> None:
    """With a key of the client's it is for ever."""
    first, again = await begin(archive), await begin(archive)
    other = await begin(archive, max_retry=1)
    keyed = await begin(archive, key="k1")
    assert first.json["job"] == again.json["job"]
    assert len({first.json["job"], other.json["job"], keyed.json["job"]}) == 3
    await Host(archive).run()

    assert (await begin(archive)).json["job"] != first.json["job"]
    assert (await begin(archive, key="k1")).json["job"] == keyed.json["job"]


async def test_two_messages_begin_one_run(archive: Service, partner: MemoryPartnerApi) -> None:
    """The second is passed over, so that no file is under way twice."""
    await begin(archive)
    await begin(archive)
    await Host(archive).run()
    assert partner.asked == ["metadata", *["upload"] * 4, "analytics"]


@pytest.mark.parametrize("atomic", [False, True])
async def test_a_kill_anywhere_loses_nothing(
    archive: Service, partner: MemoryPartnerApi, monkeypatch: pytest.MonkeyPatch, *, atomic: bool
) -> None:
    """Killed after each call of a port in turn: the run ends, no file is sent again that was confirmed."""
    objects, upload = archive.world.objects.objects, partner.upload
    sent_again: set[str] = set()

    async def watched(file: SentFile, *, max_retry: int) -> PartnerAnswer:
        confirmed = [json.loads(one.data) for key, one in objects.items() if "/confirmed/" in key.name]
        content = b"".join([chunk async for chunk in file.stream()])
        sent_again.update({hashlib.sha256(content).hexdigest()} & {one["sha256"] for one in confirmed})
        return await upload(file, max_retry=max_retry)

    monkeypatch.setattr(partner, "upload", watched)
    job = (await begin(archive, atomic=atomic)).json["job"]
    host, kills = Host(archive), 0
    while True:
        archive.world.interrupt(2 + kills if atomic else 2 + kills % 40)
        try:
            await host.run()
        except KilledError:
            kills += 1
        else:
            break
        assert kills < 400
    archive.world.interrupt(None)

    told = await status(archive, job)
    assert (told["status"], told["done"]) == ("done", 4)
    assert kills > 10
    assert sent_again == set()
    assert len(partner.stored) == (1 if atomic else 4)
    assert len(partner.analysed) >= 1
    if len(partner.analysed) > 1:
        assert "asked for again after an interruption" in await log_of(archive, job)


async def test_the_analysis_is_asked_for_once(archive: Service, partner: MemoryPartnerApi) -> None:
    """However many messages there are; only one that was cut short asks again, and the log says so."""
    begun = await begin(archive)
    job = begun.json["job"]
    host = Host(archive)
    host.collect()
    while any(handler is not ANALYSE for handler, _ in host.waiting):
        handler, message = host.waiting.pop(0)
        await handler(message)
        host.collect()
    body = json.dumps({"job": job}).encode()
    one, two = (func.QueueMessage(id=name, body=body) for name in ("one", "two"))
    archive.world.interrupt(4)
    with pytest.raises(KilledError):
        await ANALYSE(one)
    archive.world.interrupt(None)
    await ANALYSE(two)
    assert (await status(archive, job))["status"] == "triggering"
    await ANALYSE(one)
    await ANALYSE(two)
    assert len(partner.analysed) == 1
    assert "asked for again after an interruption (1)" in await log_of(archive, job)


async def test_all_files_go_in_one_zip(archive: Service, partner: MemoryPartnerApi) -> None:
    """In one request; a rerun does not send it again."""
    told = await ran(archive, atomic=True)
    assert (told["status"], told["done"]) == ("done", 4)
    assert partner.asked == ["metadata", "upload", "analytics"]
    [content] = partner.stored.values()
    with zipfile.ZipFile(io.BytesIO(content)) as archived:
        assert archived.testzip() is None
        assert archived.namelist() == [f"{number:08d}.dcm" for number in range(1, 5)]
        with archived.open("00000001.dcm") as file:
            assert pydicom.dcmread(file).PatientID == "ref01-001"
    await ran(archive, atomic=True)
    assert partner.asked.count("upload") == 1


@pytest.mark.parametrize("what", [{}, {"atomic": True}, {"container": "images", "prefix": "box/"}])
async def test_what_leaves_for_the_partner_is_audited(
    archive: Service, monkeypatch: pytest.MonkeyPatch, what: dict[str, Any]
) -> None:
    """Each instance as an export of its own message or of one for the ZIP; a dry run, and what was sent before, as none."""
    lines: list[str] = []
    trail = SimpleNamespace(write=lines.append)
    monkeypatch.setattr(_wiring, "audit_trail", lambda: trail)
    for number in range(1, 5):
        archive.world.objects.write(ObjectKey("images", f"box/{number}.dcm"), an_instance(1, 1, number))
    await ran(archive, **what, dry_run=True)
    assert not [line for line in lines if '"Operation":"upload_file"' in line]
    await ran(archive, **what)
    await ran(archive, **what)

    sent = [json.loads(line) for line in lines if '"Operation":"upload_file"' in line]
    assert {(one["EventID"]["csd-code"], one["EventActionCode"]) for one in sent} == {("110106", "R")}
    assert {one["ActiveParticipant"][0]["UserID"] for one in sent} == {"system"}
    objects = [participant for one in sent for participant in one["ParticipantObjectIdentification"]]
    assert {participant["ParticipantObjectID"] for participant in objects} == {STUDY}
    instances = [uid for participant in objects for uid in participant["SOPInstanceUID"]]
    assert sorted(instances) == sorted(
        {pydicom.dcmread(io.BytesIO(an_instance(1, 1, n))).SOPInstanceUID for n in range(1, 5)}
    )
    assert "Doe" not in "".join(lines)
    assert "Canary" not in "".join(lines)


async def test_of_a_zip_nothing_goes_if_one_file_is_unfit(
    archive: Service, partner: MemoryPartnerApi
) -> None:
    """The file is named, and so is why the others were left."""
    for name, data in (("a.dcm", an_instance(2)), ("b.DCM", b"no DICOM"), ("c.dcm", an_instance(2, 1, 3))):
        archive.world.objects.write(ObjectKey("images", f"box/{name}"), data)
    told = await ran(archive, atomic=True, container="images", prefix="box/")
    assert (told["status"], told["failed"]) == ("failed", 3)
    assert "file 2: NotDicomError" in told["error"]
    assert partner.asked == ["metadata"]


async def test_objects_are_found_by_their_names(archive: Service, partner: MemoryPartnerApi) -> None:
    """With .dcm in any case; others if they begin as DICOM files do, by option; none at all is an error."""
    objects = {"box/a.dcm": 2, "box/b.DcM": 3, "box/IM001": 4, "box/notes.txt": 0, "boxes/d.dcm": 5}
    for name, number in objects.items():
        data = an_instance(2, 1, number) if number else b"text " * 60
        archive.world.objects.write(ObjectKey("images", name), data)
    told = await ran(archive, container="images", prefix="box/")
    assert [item["object"] for item in told["items"]] == ["images/box/a.dcm", "images/box/b.DcM"]
    told = await ran(archive, container="images", prefix="box/", any_name=True)
    assert [item["object"] for item in told["items"]] == [
        "images/box/IM001",
        "images/box/a.dcm",
        "images/box/b.DcM",
    ]
    assert len(partner.stored) == 3
    told = await ran(archive, container="images", prefix="nothing/")
    assert (told["status"], told["failedPhase"]) == ("failed", "metadata")
    assert "no DICOM file" in told["error"]


@pytest.mark.parametrize("atomic", [False, True])
async def test_files_of_two_patients_are_not_made_one(
    archive: Service, partner: MemoryPartnerApi, *, atomic: bool
) -> None:
    """The run stops before it sends a file, and says no value; by option they go; a file without PatientID goes with any."""
    same = [
        an_instance(2),
        an_instance(2, 1, 2, PatientID=None),
        an_instance(2, 1, 3, PatientID=f"{SAMPLE}-004"),
    ]
    for number, data in enumerate(same, 1):
        archive.world.objects.write(ObjectKey("images", f"box/{number}.dcm"), data)
    told = await ran(archive, container="images", prefix="box/", atomic=atomic)
    assert (told["status"], told["done"]) == ("done", 3)
    archive.world.objects.write(ObjectKey("images", "box/4.dcm"), an_instance(3, PatientID="Other"))
    before = list(partner.asked)
    told = await ran(archive, container="images", prefix="box/", atomic=atomic)
    assert (told["status"], told["failedPhase"]) == ("failed", "upload")
    assert "files 1 and 4 are of different patients" in told["error"]
    assert "Other" not in told["error"] + await log_of(archive, told["job"])
    assert partner.asked == [*before, "metadata"]
    told = await ran(archive, container="images", prefix="box/", atomic=atomic, several_patients=True)
    assert (told["status"], told["done"]) == ("done", 4)


async def test_a_dry_run_sends_nothing(archive: Service, partner: MemoryPartnerApi) -> None:
    """And tells what would be done, by attribute."""
    told = await ran(archive, dry_run=True)
    assert told["status"] == "done"
    assert partner.asked == ["metadata"]
    assert {item["how"] for item in told["items"]} == {"checked"}
    assert "(0010,0010) changed" in told["items"][0]["tags"]
    assert "(0008,0080) added" in told["items"][0]["tags"]


async def test_a_file_that_the_partner_has_counts_as_sent(
    archive: Service, partner: MemoryPartnerApi
) -> None:
    """And is not sent again."""
    partner.claims_all = True
    told = await ran(archive)
    assert told["status"] == "done"
    assert {item["how"] for item in told["items"]} == {"already stored"}
    assert partner.stored == {}


async def test_or_the_run_goes_on_as_the_next_attempt(archive: Service, partner: MemoryPartnerApi) -> None:
    """If it was asked to: with another PatientID, in a run that the first one names."""
    partner.claims_all = True
    begun = await begin(archive, on_already_stored="next_attempt")
    host = Host(archive)
    host.collect()
    first = begun.json["job"]
    while (await status(archive, first))["status"] not in ("done", "failed"):
        handler, message = host.waiting.pop(0)
        await handler(message)
        host.collect()
    partner.claims_all = False
    await host.run()

    told = await status(archive, first)
    assert (told["status"], told["failedPhase"]) == ("failed", "upload")
    following = await status(archive, told["next"])
    assert (following["status"], following["attempt"], following["done"]) == ("done", 2, 4)
    assert {one.PatientID for one in tagged(partner)} == {"ref01-002"}


async def test_the_log_of_a_failure_is_sent(archive: Service, partner: MemoryPartnerApi) -> None:
    """Where somebody is set who takes it; of a success it is not, and no failure of its own matters."""
    archive.settings = archive.settings.model_copy(update={"partner_log_url": "http://partner/log"})
    assert (await ran(archive))["status"] == "done"
    assert partner.logs == []
    partner.cues["analytics"].append(400)
    told = await ran(archive)
    [log] = partner.logs
    assert b"the run failed: analytics: " in log
    partner.cues["analytics"].append(400)
    partner.cues["log"].append(403)
    assert (await ran(archive, max_retry=0))["status"] == "failed"
    assert told["status"] == "failed"


async def test_a_store_that_does_not_answer_is_tried_again_and_then_given_up(
    archive: Service, partner: MemoryPartnerApi
) -> None:
    """The file fails with that reason, the others go."""
    job = (await begin(archive)).json["job"]
    host = Host(archive)
    host.collect()
    await host.waiting.pop(0)[0](func.QueueMessage(id="m1", body=json.dumps({"job": job}).encode()))
    host.collect()
    handler, message = host.waiting.pop(0)
    archive.world.interrupt(4, BackendUnavailableError("slow down"))
    with pytest.raises(BackendUnavailableError):
        await handler(message)
    archive.world.interrupt(None)
    await GIVE_UP(message)
    await host.run()
    told = await status(archive, job)
    assert (told["status"], told["done"], told["failed"]) == ("failed", 3, 1)
    assert "given up after several attempts" in told["items"][0]["error"]


async def test_a_file_that_waits_too_long_for_others_queues_again(
    archive: Service, partner: MemoryPartnerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its function would else be ended for time that it only waited."""
    monkeypatch.setattr(queue_upload, "WAIT_SECONDS", 0.01)
    job = (await begin(archive)).json["job"]
    host = Host(archive)
    host.collect()
    handler, message = host.waiting.pop(0)
    await handler(message)
    host.collect()
    for _ in range(4):
        await archive.slots.acquire()
    handler, message = host.waiting.pop(0)
    await handler(message)
    assert archive.world.uploads.sent_items == [(job, 1)]
    assert "upload" not in partner.asked
    for _ in range(4):
        archive.slots.release()

    await host.run()
    assert (await status(archive, job))["status"] == "done"
    assert len(partner.stored) == 4


async def test_an_analysis_tried_too_often_fails_the_run(archive: Service, partner: MemoryPartnerApi) -> None:
    """It says which phase."""
    job = (await begin(archive)).json["job"]
    host = Host(archive)
    host.collect()
    while any(handler is not ANALYSE for handler, _ in host.waiting):
        handler, message = host.waiting.pop(0)
        await handler(message)
        host.collect()
    await ANALYSE_GIVEN_UP(host.waiting[0][1])
    told = await status(archive, job)
    assert (told["status"], told["failedPhase"]) == ("failed", "analytics")


async def test_runs_that_have_ended_are_looked_at_once(archive: Service) -> None:
    """The timer, which runs every minute, remembers them; one that goes on it asks for each time."""
    ended = (await ran(archive))["job"]
    going_on = (await begin(archive, attempt_number=2)).json["job"]
    ports, over = upload_ports(await _wiring.services()), set[str]()
    lost = timedelta(seconds=-1)
    asked = [await sweep_uploads(ports, now=datetime.now(UTC), lost_after=lost, over=over) for _ in range(2)]
    assert (over, asked) == ({ended}, [1, 1])
    assert set(archive.world.uploads.sent) == {going_on}


async def test_lost_messages_are_asked_for_again(archive: Service, partner: MemoryPartnerApi) -> None:
    """In each phase: the timer finds runs without a sign of life, and only these."""
    job = (await begin(archive)).json["job"]
    world = archive.world
    phases = []
    host = Host(archive)
    for _ in range(12):
        host.collect()
        host.waiting.clear()
        archive.settings = archive.settings.model_copy(update={"upload_lost_after_seconds": 3600.0})
        await SWEEP(None)
        assert (world.uploads.sent, world.uploads.sent_items, world.analytics.sent) == ([], [], [])
        archive.settings = archive.settings.model_copy(update={"upload_lost_after_seconds": -1.0})
        await SWEEP(None)
        phases.append((await status(archive, job))["status"])
        host.collect()
        if not host.waiting:
            break
        for handler, message in list(host.waiting):
            await handler(message)
        if phases[-1] == "uploading":
            host.collect()
            for handler, message in host.waiting:
                if handler is UPLOAD:
                    await handler(message)
    assert (await status(archive, job))["status"] == "done"
    assert len(partner.analysed) == 1
    assert len(partner.stored) == 4


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"sample_id": ""}, 400), ({"sample_id": "a\\b"}, 400), ({"sample_id": "a" * 61}, 400),
        ({"sample_id": 7}, 400), ({"attempt_number": 0}, 400), ({"attempt_number": 1000}, 400),
        ({"attempt_number": True}, 400), ({"max_retry": 21}, 400), ({"max_retry": -1}, 400),
        ({"on_already_stored": "x"}, 400), ({"unknown": 1}, 400), ({"study": "no uid"}, 400),
        ({"study": STUDY, "container": "images"}, 400), ({"container": "derived"}, 400),
        ({"container": "archive", "prefix": "other/"}, 400), ({"case": {"year": 2014}}, 400),
        ({"case": {"year": "2014", "id": "S1"}}, 404), ({"study": "1.2.3.4.5"}, 404),
        ({"instances": [["1.2", "1.2.3"]]}, 400), ({"instances": [["1.2", "1.2.3", "1.2.3.4"]]}, 404),
    ],
)  # fmt: skip
async def test_what_could_never_run_is_refused(archive: Service, body: Mapping[str, Any], code: int) -> None:
    """And no run is begun."""
    assert (await begin(archive, **body)).status == code
    assert archive.world.uploads.sent == []


async def test_without_a_partner_the_answer_names_what_is_missing(archive: Service) -> None:
    """It is 501, before anything is begun."""
    archive.partner = None
    archive.settings = archive.settings.model_copy(
        update={"partner_upload_key": None, "partner_metadata_url": ""}
    )
    answer = await begin(archive)
    assert answer.status == 501
    assert "set MD_URL, U_KEY" in answer.json["detail"]
    await SWEEP(None)


async def test_listed_instances_go_and_no_others(archive: Service, partner: MemoryPartnerApi) -> None:
    """In the order of the list, each once."""
    chosen = [list(uids(1, 1, 3)), list(uids(1, 1, 1)), list(uids(1, 1, 3))]
    told = await ran(archive, instances=chosen)
    assert [item["sopInstanceUid"] for item in told["items"]] == [uids(1, 1, 3)[2], uids(1, 1, 1)[2]]
    assert len(partner.stored) == 2


async def test_runs_that_are_none_are_not_found(archive: Service) -> None:
    """Nor is a job of another kind."""
    for job in ("0" * 32, "../x"):
        for name in ("upload_status", "upload_log"):
            assert (await archive.call(name, route={"job": job})).status == 404


async def test_a_message_of_another_form_is_acknowledged(archive: Service) -> None:
    """It would fail again, for ever."""
    for body in (b"no json", b"[]", b'{"item": 1}', b'{"job": "00"}'):
        for handler in (UPLOAD, GIVE_UP, ANALYSE, ANALYSE_GIVEN_UP):
            await handler(func.QueueMessage(id="m", body=body))
