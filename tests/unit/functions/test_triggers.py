"""Triggers without a client: queues, blobs and the timer; and what importing the app costs."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import FunctionBuilder

from functions import (
    _wiring,
    blob_created,
    queue_blob_event,
    queue_study_changed,
    timer_scan_buckets,
    timer_sweep_studies,
)
from shared.dicom.references import StudyRef
from shared.errors import BackendUnavailableError
from shared.records import ObjectKey, ObjectState
from tests.unit.flows.builders import STUDY, make_file
from tests.unit.functions.service import Service, user_function

KEY = ObjectKey("images", "a b.dcm")
ROOT = Path(__file__).parents[3]


def function_of(builder: FunctionBuilder) -> Any:
    """Return what the app declares of a function."""
    return builder._function


def message(content: Any) -> func.QueueMessage:
    """Return a message as the host hands it over."""
    return func.QueueMessage(body=content if isinstance(content, bytes) else json.dumps(content).encode())


def blob_event(container: str = "images", kind: str = "BlobCreated") -> dict[str, Any]:
    """Return an event of Azure Storage."""
    return {
        "eventType": f"Microsoft.Storage.{kind}",
        "subject": f"/blobServices/default/containers/{container}/blobs/{KEY.name}",
        "data": {},
    }


class FakeBlob:
    """What a blob trigger is bound to; its bytes are out of reach."""

    container_name = KEY.container
    blob_name = KEY.name


async def send(service: Service, content: Any) -> None:
    """Deliver a message to the queue of blob events."""
    service.world.objects.write(KEY, make_file(1))
    _wiring.settings.cache_clear()
    await user_function(queue_blob_event.bp._function_builders[0])(message(content))


@pytest.mark.parametrize("kind", ["BlobCreated", "BlobDeleted", "BlobRenamed"])
async def test_a_message_makes_its_blob_looked_at_as_it_is(service: Service, kind: str) -> None:
    """Whatever the event says happened."""
    await send(service, blob_event(kind=kind))
    assert service.world.ledger.entries[KEY].state is ObjectState.INDEXED


@pytest.mark.parametrize(
    "content", [blob_event("archive"), blob_event(kind="BlobTierChanged"), b"no JSON", {}]
)
async def test_a_message_that_is_none_of_ours_is_done_with(service: Service, content: Any) -> None:
    """Other containers, other events, and what is no event: none is delivered again."""
    await send(service, content)
    assert service.world.ledger.entries == {}


async def test_a_message_whose_store_does_not_answer_is_delivered_again(service: Service) -> None:
    """The error reaches the host."""
    service.world.interrupt(0, BackendUnavailableError("slow down"))
    with pytest.raises(BackendUnavailableError):
        await send(service, blob_event())


async def test_a_scanned_blob_is_looked_at_without_its_bytes(service: Service) -> None:
    """Only its name is taken from the binding."""
    service.world.objects.write(KEY, make_file(1))
    bp = blob_created.make_blueprint(("images", "more-images"))
    one, other = (function_of(builder) for builder in bp._function_builders)
    assert [one.get_function_name(), other.get_function_name()] == [
        "blob_created_images",
        "blob_created_more_images",
    ]
    assert [one.get_trigger().path, other.get_trigger().path] == ["images/{name}", "more-images/{name}"]
    await one.get_user_function()(FakeBlob())
    assert service.world.ledger.entries[KEY].state is ObjectState.INDEXED


async def test_a_changed_study_is_summed_up(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that names none is done with."""
    handler = user_function(queue_study_changed.bp._function_builders[0])
    await service.store(make_file(1))
    assert await service.world.index.due(9) == [StudyRef(STUDY)]
    contents: list[Any] = [b"no JSON", [], {"study_instance_uid": 7}, {"study_instance_uid": "a"}]
    for content in contents:
        await handler(message(content))
    assert await service.world.index.due(9) == [StudyRef(STUDY)]
    await handler(message({"study_instance_uid": STUDY, "partition": "default"}))
    assert await service.world.index.due(9) == []


async def test_the_timer_sums_up_what_was_left(service: Service) -> None:
    """Every minute."""
    builder = timer_sweep_studies.bp._function_builders[0]
    assert function_of(builder).get_trigger().schedule == "0 * * * * *"
    await service.store(make_file(1))
    await user_function(builder)(None)
    assert await service.world.index.due(9) == []


async def test_the_timer_looks_for_what_lies_in_buckets(service: Service) -> None:
    """Every five seconds, for nobody else tells."""
    builder = timer_scan_buckets.bp._function_builders[0]
    assert function_of(builder).get_trigger().schedule == "*/5 * * * * *"
    service.world.objects.write(KEY, make_file(1))
    await user_function(builder)(None)
    assert service.world.ledger.entries[KEY].state is ObjectState.INDEXED


async def test_a_notification_of_s3_makes_its_object_looked_at(service: Service) -> None:
    """It comes through the same queue as Event Grid's."""
    record = {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": KEY.container}, "object": {"key": "a+b.dcm"}},
    }
    await send(service, {"Records": [record]})
    assert service.world.ledger.entries[KEY].state is ObjectState.INDEXED


def app_in_a_new_process(script: str, **environment: str) -> Any:
    """Import the app in a fresh process and return what *script* prints, as JSON."""
    result = subprocess.run(
        [sys.executable, "-c", f"import json, sys, function_app; print(json.dumps({script}))"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("store", ["azure", "s3"])
@pytest.mark.parametrize("events", ["scan", "queue"])
def test_importing_the_app_loads_no_heavy_library(events: str, store: str) -> None:
    """A cold start waits for none of them."""
    heavy = {"pydicom", "numpy", "boto3", "botocore", "elasticsearch", "PIL"}
    loaded = app_in_a_new_process(
        "sorted({name.split('.')[0] for name in sys.modules})",
        DICOM_BLOB_EVENTS=events,
        DICOM_OBJECT_STORE=store,
    )
    assert heavy.isdisjoint(loaded)
    assert "fastapi" in loaded


def test_nor_does_it_with_everything_set() -> None:
    """Tokens, telemetry, a search index, an upstream service and a partner wait for the first call too."""
    loaded = app_in_a_new_process(
        "sorted(sys.modules)",
        DICOM_BLOB_EVENTS="queue",
        DICOM_ACCESS="entra",
        DICOM_ENTRA_TENANT="11111111-2222-3333-4444-555555555555",
        DICOM_ENTRA_AUDIENCES="api://archive",
        APPLICATIONINSIGHTS_CONNECTION_STRING="InstrumentationKey=00000000-0000-0000-0000-000000000001",
        DICOM_ELASTICSEARCH_URL="https://search.example",
        DICOM_UPSTREAM_URL="https://pacs.example",
        MD_URL="https://partner.example",
        U_URL="https://partner.example",
        A_URL="https://partner.example",
    )
    heavy = {"pydicom", "numpy", "boto3", "elasticsearch", "jwt", "cryptography", "aiohttp", "httpx"}
    assert heavy.isdisjoint(loaded)
    assert not [
        name for name in loaded if name.startswith(("opentelemetry.sdk", "azure.storage", "azure.data"))
    ]


GOLDEN = ROOT / "tests" / "host" / "golden" / "functions-queue.json"
FUNCTIONS = set(json.loads(GOLDEN.read_text())) - {"blob_event"}
"""The names that are deployed, whatever notices blobs: they change with the golden file only."""


@pytest.mark.parametrize(
    ("environment", "events"),
    [
        ({"DICOM_BLOB_EVENTS": "queue"}, {"blob_event"}),
        (
            {"DICOM_BLOB_EVENTS": "scan", "DICOM_WATCHED_CONTAINERS": "images,more"},
            {"blob_created_images", "blob_created_more"},
        ),
        ({"DICOM_OBJECT_STORE": "s3", "DICOM_BLOB_EVENTS": "queue"}, {"blob_event"}),
        ({"DICOM_OBJECT_STORE": "s3", "DICOM_BLOB_EVENTS": "scan"}, {"scan_buckets"}),
    ],
)
def test_function_names_are_deployed_api(environment: dict[str, str], events: set[str]) -> None:
    """One setting chooses how blobs are noticed; nothing else depends on it."""
    names = app_in_a_new_process(
        "[f.get_function_name() for f in function_app.app.get_functions()]", **environment
    )
    assert sorted(names) == sorted(FUNCTIONS | events)


@pytest.mark.parametrize(("access", "level"), [("anonymous", "ANONYMOUS"), ("function", "FUNCTION")])
def test_one_setting_says_who_may_call(access: str, level: str) -> None:
    """For every HTTP function but those that browsers ask without a key, which hold no data."""
    script = (
        "sorted({str(f.get_trigger().auth_level) for f in function_app.app.get_functions()"
        " if f.get_trigger().type == 'httpTrigger' and f.get_function_name() not in ('preflight', 'page_asset')})"
    )
    assert app_in_a_new_process(script, DICOM_ACCESS=access) == [level]


async def test_services_are_made_once_and_again_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks meanwhile waits for the same."""
    made: list[object] = []

    async def build(_: object) -> Any:
        await asyncio.sleep(0)
        made.append(object())
        if len(made) == 1:
            raise BackendUnavailableError("slow down")
        return made[-1]

    monkeypatch.setattr(_wiring, "build", build)
    monkeypatch.setattr(_wiring, "_made", _wiring._MadeOnce())
    first = await asyncio.gather(_wiring.services(), _wiring.services(), return_exceptions=True)
    assert [type(error) for error in first] == [BackendUnavailableError] * 2
    again: list[object] = list(await asyncio.gather(_wiring.services(), _wiring.services()))
    assert again == [made[1], made[1]]
    assert len(made) == 2
