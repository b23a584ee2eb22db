"""A study of the archive is de-identified by a job, into another partition or container, once."""

import json
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any

import azure.functions as func
import pydicom
import pytest
from pydantic import SecretStr

from functions import _wiring, queue_deidentify
from shared.dicom.references import InstanceRef
from shared.errors import BackendUnavailableError, ObjectChangedError
from shared.ports.jobs import ItemState
from tests.instances import a_dataset, an_instance, part10, uids
from tests.unit.flows.world import KilledError
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service, user_function
from tests.unit.functions.test_deidentify import SECRET
from tests.unit.functions.test_triggers import message

STUDY = uids(1)[0]
RUN = user_function(queue_deidentify.deidentify_job)
GIVE_UP = user_function(queue_deidentify.deidentify_given_up)


@pytest.fixture
async def archive(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Give an archive with a study of five instances, one of which shows text in its pixels."""
    service.settings = service.settings.model_copy(update={"deidentify_secret": SecretStr(SECRET)})
    monkeypatch.setattr(_wiring, "settings", lambda: service.settings)
    burned = part10(a_dataset(1, 2, 9, BurnedInAnnotation="YES", PatientName="Doe^Jane"))
    files = [an_instance(1, 1, number, PatientName="Doe^Jane") for number in range(1, 5)]
    assert (await service.store(*files, burned)).status == 200
    return service


async def begin(service: Service, query: str, **route: str) -> Answer:
    """Ask for a job."""
    name = "deidentify_" + ("instance" if "instance" in route else "series" if "series" in route else "study")
    return await service.call(name, f"/deidentify?{query}", method="POST", route={"study": STUDY, **route})


async def run(service: Service) -> None:
    """Work on what is queued, as the host does."""
    queue = service.world.work.sent
    while queue:
        await RUN(message({"job": queue[0]}))
        queue.pop(0)


async def status(service: Service, job: str) -> Mapping[str, Any]:
    """Return how far a job is."""
    answer = await service.call("deidentify_status", route={"job": job})
    assert answer.status == 200
    told: Mapping[str, Any] = answer.json
    return told


def outputs(service: Service) -> dict[str, bytes]:
    """Return what lies in the container that outputs go to, and what the archive holds of the other partition."""
    return {
        str(key): stored.data
        for key, stored in service.world.objects.objects.items()
        if key.container == "research" or key.name.startswith("research/")
    }


@pytest.mark.parametrize("destination", ["toPartition=research", "toContainer=research"])
async def test_a_study_goes_to_another_place(archive: Service, destination: str) -> None:
    """202 with where the status is; then each instance is there, findable where it is indexed, or has its reason."""
    begun = await begin(archive, f"{destination}&options=retain_patient_characteristics")
    assert begun.status == 202
    assert begun.headers["location"] == begun.json["url"]
    assert (begun.json["status"], begun.json["instances"]) == ("running", 5)

    await run(archive)

    told = await status(archive, begun.json["job"])
    assert (told["status"], told["done"], told["failed"]) == ("done", 4, 1)
    assert told["counts"]["U"] > 4
    [failed] = [item for item in told["items"] if item["state"] == "failed"]
    assert "BurnedInPixelsError" in failed["error"]
    files = outputs(archive)
    assert len(files) == 4
    for data in files.values():
        data_set = pydicom.dcmread(BytesIO(data))
        assert data_set.PatientIdentityRemoved == "YES"
        assert b"Doe" not in data
    assert len({pydicom.dcmread(BytesIO(data)).StudyInstanceUID for data in files.values()}) == 1
    if "Partition" in destination:
        assert len(archive.worlds["research"].index._claims) == 4


async def test_the_report_of_an_item_lists_its_changes(archive: Service) -> None:
    """Tag path, rule and action, for each instance; a dry run has it too, and writes nothing else."""
    begun = await begin(archive, "dryRun=true", series=uids(1)[1])
    await run(archive)

    told = await status(archive, begun.json["job"])
    assert (told["done"], told["failed"]) == (4, 0)
    assert outputs(archive) == {}
    route = {"job": begun.json["job"], "number": str(told["items"][0]["number"])}
    report = await archive.call("deidentify_report", route=route)
    changes = {change["path"]: change["action"] for change in report.json["changes"]}
    assert changes["(0010,0010)"] == "Z"
    assert b"Doe" not in report.body
    for number in ("99", "x"):
        missing = await archive.call("deidentify_report", route=route | {"number": number})
        assert missing.status == 404


@pytest.mark.parametrize("destination", ["toPartition=research", "toContainer=research"])
async def test_a_kill_anywhere_leaves_no_second_output(archive: Service, destination: str) -> None:
    """Killed after each call of a port in turn, the job goes on: the outputs are those of a job that was not killed."""
    begun = await begin(archive, destination)
    job = begun.json["job"]
    kills = 0
    while True:
        archive.world.interrupt(3 + kills)
        for world in archive.worlds.values():
            world.interrupt(3 + kills)
        try:
            await RUN(message({"job": job}))
        except KilledError:
            kills += 1
        else:
            break
        assert kills < 200
    for world in archive.worlds.values():
        world.interrupt(None)

    told = await status(archive, job)
    assert (told["status"], told["done"], told["failed"]) == ("done", 4, 1)
    assert len(outputs(archive)) == 4
    assert kills > 5
    once = outputs(archive)
    again = await begin(archive, destination)
    await run(archive)
    assert (await status(archive, again.json["job"]))["done"] == 4
    assert outputs(archive) == once


async def test_a_store_that_does_not_answer_is_tried_again(archive: Service) -> None:
    """The message comes back; no item fails for it."""
    job = (await begin(archive, "toContainer=research")).json["job"]
    archive.world.interrupt(4, BackendUnavailableError("slow down"))
    with pytest.raises(BackendUnavailableError):
        await RUN(message({"job": job}))
    archive.world.interrupt(None)

    await run(archive)

    assert (await status(archive, job))["done"] == 4


async def test_a_job_goes_on_in_another_invocation_when_its_time_is_up(
    archive: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks to be worked on again, and does."""
    job = (await begin(archive, "toContainer=research")).json["job"]
    monkeypatch.setattr(queue_deidentify, "SECONDS", -1)
    archive.world.work.sent.clear()
    await RUN(message({"job": job}))
    assert archive.world.work.sent == [job]
    assert (await status(archive, job))["done"] == 0
    monkeypatch.undo()
    monkeypatch.setattr(_wiring, "settings", lambda: archive.settings)
    monkeypatch.setattr(_wiring, "services", archive.services)

    await run(archive)

    assert (await status(archive, job))["done"] == 4


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", 400), ("toPartition=a&toContainer=research", 400), ("toPartition=default", 400),
        ("toContainer=archive", 400), ("toContainer=../x", 400), ("toPartition=a/b", 400),
        ("toPartition=a&options=all", 400), ("toPartition=a&pseudonyms=none", 400),
        ("toContainer=quarantine", 400), ("toContainer=audit", 400), ("toContainer=sessions", 400),
        ("toContainer=azure-webjobs-secrets", 400), ("toContainer=research&pixel=refuse", 400),
    ],
)  # fmt: skip
async def test_what_could_never_run_is_refused(archive: Service, query: str, code: int) -> None:
    """And no job is begun."""
    assert (await begin(archive, query)).status == code
    assert archive.world.work.sent == []


async def test_a_function_key_in_the_url_is_not_kept(archive: Service) -> None:
    """A job remembers what it was asked for, and no secret."""
    begun = await begin(archive, "toContainer=research&code=the-key&clientId=the-client&pixels=keep")

    job = await archive.world.jobs.get(begun.json["job"])

    assert job.parameters == (("toContainer", "research"), ("pixels", "keep"))


async def test_what_is_not_there_is_not_found(archive: Service) -> None:
    """An instance, a case, a job."""
    assert (await begin(archive, "dryRun=true", series="1.2", instance="1.3")).status == 404
    case = await archive.call(
        "deidentify_case", "/deidentify?dryRun=true", method="POST", route={"year": "2014", "id": "S1"}
    )
    assert case.status == 404
    for job in ("0" * 32, "../secrets"):
        assert (await archive.call("deidentify_status", route={"job": job})).status == 404


async def give_up(number: int, job: str) -> None:
    """Hand over what the host puts into the poison queue: the message, under an id of its own."""
    body = json.dumps({"job": job}).encode()
    await GIVE_UP(func.QueueMessage(id=f"message-{number}", body=body))


async def errors(service: Service, job: str) -> list[str]:
    """Return why each instance failed, in their order; nothing for those that did not."""
    return [item.get("error", "") for item in (await status(service, job))["items"]]


async def test_what_a_job_cannot_get_past_fails_and_the_rest_goes_on(archive: Service) -> None:
    """With the reason of its last attempt; the message that was tried too often may come twice."""
    job = (await begin(archive, "toContainer=research", series=uids(1)[1])).json["job"]
    key = (await archive.world.index.get(InstanceRef(*uids(1, 1, 2)))).location.key
    archive.world.objects.write(key, b"something else")
    with pytest.raises(ObjectChangedError):
        await RUN(message({"job": job}))
    assert (await status(archive, job))["status"] == "running"
    archive.world.work.sent.clear()

    await give_up(1, job)
    await give_up(1, job)
    assert archive.world.work.sent == [job, job]
    await run(archive)

    told = await status(archive, job)
    assert (told["status"], told["done"], told["failed"]) == ("done", 3, 1)
    [error] = [error for error in await errors(archive, job) if error]
    assert error.startswith("Given up after several attempts (message message-1): ObjectChangedError: ")


async def test_a_note_of_a_failed_attempt_is_gone_when_another_succeeds(archive: Service) -> None:
    """An instance that is done has no error."""
    job = (await begin(archive, "toContainer=research", series=uids(1)[1])).json["job"]
    [first, *_] = [item async for item in archive.world.jobs.items(job)]
    await archive.world.jobs.put_item(job, replace(first, error="BackendUnavailableError: slow down"))

    await run(archive)

    assert {item.error async for item in archive.world.jobs.items(job)} == {""}


async def test_a_job_that_gets_nowhere_is_given_up_as_a_whole(archive: Service) -> None:
    """After three instances in a row; one that was done between them begins the count anew."""
    job = (await begin(archive, "toContainer=research")).json["job"]
    items = [item async for item in archive.world.jobs.items(job)]
    await give_up(1, job)
    await archive.world.jobs.put_item(job, replace(items[1], state=ItemState.DONE))
    await give_up(2, job)
    await give_up(3, job)
    archive.world.work.sent.clear()
    assert (await status(archive, job))["status"] == "running"

    await give_up(4, job)

    told = await status(archive, job)
    assert (told["status"], told["done"], told["failed"]) == ("done", 1, 4)
    assert archive.world.work.sent == []


async def test_a_job_that_can_never_run_fails(archive: Service) -> None:
    """Its secret was taken away, say: every instance that is left says so, and nothing is tried again."""
    job = (await begin(archive, "toContainer=research")).json["job"]
    archive.settings = archive.settings.model_copy(update={"deidentify_secret": None})

    await run(archive)

    told = await status(archive, job)
    assert (told["status"], told["done"], told["failed"]) == ("done", 0, 5)
    assert all("DICOM_DEIDENTIFY_SECRET" in error for error in await errors(archive, job))


def study_uids(service: Service) -> set[str]:
    """Return the UIDs of the studies that outputs belong to."""
    return {str(pydicom.dcmread(BytesIO(data)).StudyInstanceUID) for data in outputs(service).values()}


@pytest.mark.parametrize("destination", ["toPartition=research", "toContainer=research"])
async def test_pseudonyms_at_random_are_those_of_one_job(archive: Service, destination: str) -> None:
    """No secret is needed; killed anywhere, the job ends in one study; its key is gone then, and another has others."""
    archive.settings = archive.settings.model_copy(update={"deidentify_secret": None})
    query = f"{destination}&pseudonyms=random&filter=FILTER_HIPAA"
    job = (await begin(archive, query)).json["job"]
    assert len(await archive.world.jobs.key(job)) == 32
    for calls in range(3, 200):
        for world in (archive.world, *archive.worlds.values()):
            world.interrupt(calls)
        try:
            await RUN(message({"job": job}))
        except KilledError:
            continue
        break
    for world in archive.worlds.values():
        world.interrupt(None)

    assert (await status(archive, job))["done"] == 4
    assert len(outputs(archive)) == 4
    assert len(study_uids(archive)) == 1
    assert await archive.world.jobs.key(job) == b""
    data_set = pydicom.dcmread(BytesIO(next(iter(outputs(archive).values()))))
    assert list(data_set.DeidentificationMethod)[-1] == "Pseudonyms at random"

    archive.world.work.sent.clear()
    await begin(archive, query)
    await run(archive)
    assert len(study_uids(archive)) == 2
    assert len(outputs(archive)) == 8


async def test_a_message_of_a_finished_job_changes_nothing(archive: Service) -> None:
    """Its key is gone, and nothing is left to do."""
    job = (await begin(archive, "toContainer=research&pseudonyms=random")).json["job"]
    await run(archive)
    told = await status(archive, job)

    await RUN(message({"job": job}))

    assert await status(archive, job) == told


async def test_the_key_of_a_job_that_is_given_up_is_gone(archive: Service) -> None:
    """Whether instance by instance or as a whole."""
    job = (await begin(archive, "toContainer=research&pseudonyms=random")).json["job"]
    for number in range(3):
        assert await archive.world.jobs.key(job)
        await give_up(number, job)
    assert await archive.world.jobs.key(job) == b""


async def test_a_message_of_another_form_is_acknowledged(archive: Service) -> None:
    """It would fail again, for ever; a job that is gone likewise."""
    for content in (b"no json", {"work": 1}, {"job": "0" * 32}):
        await RUN(message(content))
        await GIVE_UP(message(content))
