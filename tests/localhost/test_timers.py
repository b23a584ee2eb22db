"""Timer triggers against Azurite: by schedule, at start, past due, never two at once."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

from tests.localhost.running_host import RunningHost, wait_for, write_app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localhost.conftest import StartHost

pytestmark = pytest.mark.azurite

APP = """
import asyncio, json, os, time
import azure.functions as func

app = func.FunctionApp()

def note(**event):
    with open(os.environ["EVENTS"], "a") as file:
        file.write(json.dumps(event) + "\\n")

@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
async def at_start(timer: func.TimerRequest) -> None:
    note(name="at_start", past_due=timer.past_due)

@app.timer_trigger(arg_name="timer", schedule="%YEARLY%")
async def overdue(timer: func.TimerRequest) -> None:
    note(name="overdue", past_due=timer.past_due, last=timer.schedule_status["Last"])

@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
async def slow(timer: func.TimerRequest) -> None:
    note(name="slow", begin=time.time())
    await asyncio.sleep(1.3)
    note(name="slow", end=time.time())
"""


def _events(host: RunningHost, name: str) -> list[dict[str, object]]:
    return [event for event in host.seen() if event["name"] == name]


def test_timers(tmp_path: Path, azurite: str, unique: str, start_host: StartHost) -> None:
    """One runs at start, one that was due while nothing ran is caught up on once, one that is slow never overlaps."""
    service = BlobServiceClient.from_connection_string(azurite)
    hosts = service.get_container_client("azure-webjobs-hosts")
    with contextlib.suppress(ResourceExistsError):
        hosts.create_container()
    last, due = (datetime.now(UTC) - timedelta(hours=hours) for hours in (3, 2))
    status = {"Last": last.isoformat(), "Next": due.isoformat(), "LastUpdated": last.isoformat()}
    overdue = hosts.get_blob_client(f"timers/{unique}/overdue/status")
    overdue.upload_blob(json.dumps(status))
    app = write_app(tmp_path / "app", APP)
    settings = {"AzureWebJobsStorage": azurite, "YEARLY": "0 0 0 1 1 *"}
    host = start_host(app, "--host-id", unique, settings=settings).ready()
    wait_for(lambda: len(_events(host, "slow")) >= 5, "the slow one has run twice")
    assert host.stop() == 0
    assert _events(host, "at_start") == [{"name": "at_start", "past_due": False}]
    assert _events(host, "overdue") == [{"name": "overdue", "past_due": True, "last": last.isoformat()}]
    kinds = ["begin" if "begin" in event else "end" for event in _events(host, "slow")]
    assert kinds[:4] == ["begin", "end", "begin", "end"]
    after = json.loads(overdue.download_blob().readall())
    assert datetime.fromisoformat(after["Next"]) == datetime(datetime.now(UTC).year + 1, 1, 1, tzinfo=UTC)
    again = start_host(app, "--host-id", unique, settings=settings).ready()
    wait_for(lambda: len(_events(again, "at_start")) == 2, "it has started again")
    again.stop()
    assert len(_events(again, "overdue")) == 1
