"""Blob triggers against Azurite: each version once, through restarts, failures and kills."""

from __future__ import annotations

import base64
import collections
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from azure.storage.blob import ContainerClient
from azure.storage.blob.aio import ContainerClient as AsyncContainerClient
from azure.storage.queue import QueueClient

from localhost.blob_listing import list_pages
from tests.localhost.running_host import RunningHost, wait_for, write_app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localhost.conftest import StartHost

pytestmark = pytest.mark.azurite

APP = """
import asyncio, json, os
import azure.functions as func
import azurefunctions.extensions.bindings.blob as blob

app = func.FunctionApp()

def note(**event):
    with open(os.environ["EVENTS"], "a") as file:
        file.write(json.dumps(event) + "\\n")

@app.blob_trigger(arg_name="client", path="%CONTAINER%/{name}", connection="AzureWebJobsStorage")
async def look(client: blob.BlobClient) -> None:
    await asyncio.sleep(float(os.environ.get("SLEEP", "0")))
    note(name=client.blob_name)
    if "bad" in client.blob_name:
        raise RuntimeError("on purpose")

@app.blob_trigger(arg_name="data", path="%CONTAINER%/text/{name}.txt", connection="AzureWebJobsStorage")
async def read(data: func.InputStream) -> None:
    note(read=data.name, length=data.length, uri=data.uri, content=data.read().decode(), metadata=data.metadata)
"""


class _Setup:
    """An app, its container, and the settings that join them."""

    def __init__(self, folder: Path, connection: str, name: str) -> None:
        self.app = write_app(
            folder / "app", APP, {"extensions": {"queues": {"maxPollingInterval": "00:00:01"}}}
        )
        self.settings = {"AzureWebJobsStorage": connection, "CONTAINER": name}
        self.arguments = ("--scan-interval", "1", "--lease", "2", "--host-id", name)
        self.container = ContainerClient.from_connection_string(connection, name)
        self.container.create_container()

    def put(self, names: list[str]) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: self.container.upload_blob(name, b"x", overwrite=True), names))


@pytest.fixture
def setup(tmp_path: Path, azurite: str, unique: str) -> _Setup:
    """Give an app on a container of its own."""
    return _Setup(tmp_path, azurite, unique)


def _times(host: RunningHost) -> collections.Counter[str]:
    return collections.Counter(event["name"] for event in host.seen() if "name" in event)


def test_each_version_runs_once_through_a_restart(setup: _Setup, start_host: StartHost) -> None:
    """300 blobs run once each; after a restart only what is new or overwritten runs."""
    names = [f"study {number % 7}/é+{number:03d}.dcm" for number in range(300)]
    setup.put(names)
    host = start_host(setup.app, *setup.arguments, settings=setup.settings).ready()
    wait_for(lambda: len(_times(host)) == 300, "all have run")
    receipts = host.text().count("look ok")
    assert host.stop() == 0
    assert receipts == 300
    setup.put([names[5], "new.dcm"])
    again = start_host(setup.app, *setup.arguments, settings=setup.settings).ready()
    wait_for(
        lambda: _times(again)["new.dcm"] == 1 and _times(again)[names[5]] == 2, "new and overwritten have run"
    )
    setup.put(["last.dcm"])
    wait_for(lambda: _times(again)["last.dcm"] == 1, "another scan was made")
    assert dict.fromkeys([*names, "new.dcm", "last.dcm"], 1) | {names[5]: 2} == dict(_times(again))


def test_failures_are_tried_five_times_then_poisoned(
    setup: _Setup, azurite: str, start_host: StartHost
) -> None:
    """A blob whose function fails is tried five times in all, then named in the poison queue, and not scanned again."""
    setup.put(["bad.dcm"])
    host = start_host(setup.app, *setup.arguments, settings=setup.settings).ready()
    poison = QueueClient.from_connection_string(azurite, "webjobs-blobtrigger-poison")
    wait_for(lambda: _times(host)["bad.dcm"] == 5 and "moved to" in host.text(), "it is given up")
    contents = [json.loads(base64.b64decode(item.content)) for item in poison.peek_messages(32)]
    mine = [item for item in contents if item["ContainerName"] == setup.container.container_name]
    assert [(item["BlobName"], item["FunctionId"]) for item in mine] == [("bad.dcm", "Host.Functions.look")]
    setup.put(["good.dcm"])
    wait_for(lambda: _times(host)["good.dcm"], "another scan was made")
    assert _times(host)["bad.dcm"] == 5


def test_a_kill_loses_nothing(setup: _Setup, start_host: StartHost) -> None:
    """After a kill in the middle every blob has run, and twice at most those that were in flight."""
    names = [f"{number:03d}.dcm" for number in range(100)]
    setup.put(names)
    slow = setup.settings | {"SLEEP": "0.1"}
    first = start_host(setup.app, *setup.arguments, settings=slow).ready()
    wait_for(lambda: len(_times(first)) >= 20, "some have run")
    first.kill()
    assert len(_times(first)) < 100
    second = start_host(setup.app, *setup.arguments, settings=setup.settings).ready()
    wait_for(lambda: set(_times(second)) == set(names), "all have run")
    # In flight at the kill: as many as run at once, and those whose receipts were being written.
    assert sum(_times(second).values()) - 100 <= 32


def test_a_stop_leaves_the_rest_for_the_next_start(setup: _Setup, start_host: StartHost) -> None:
    """A stop in the middle of slow functions, more than run at once, ends in time; the next start runs them all."""
    names = [f"{number:03d}.dcm" for number in range(50)]
    setup.put(names)
    first = start_host(setup.app, *setup.arguments, settings=setup.settings | {"SLEEP": "30"}).ready()
    time.sleep(0.5)
    assert first.stop() == 0
    assert (len(_times(first)), "Traceback" in first.text()) == (0, False)
    second = start_host(setup.app, *setup.arguments, settings=setup.settings).ready()
    wait_for(lambda: dict(_times(second)) == dict.fromkeys(names, 1), "each has run once")


def test_content_bindings_get_name_and_content(setup: _Setup, start_host: StartHost) -> None:
    """A function that takes a stream gets the blob's content, name, length, address and metadata, by its pattern."""
    setup.container.upload_blob("text/a/b.txt", "héllo".encode(), metadata={"kind": "x"})
    setup.put(["text/c.bin"])
    host = start_host(setup.app, *setup.arguments, settings=setup.settings).ready()
    wait_for(
        lambda: _times(host)["text/c.bin"] and any("read" in event for event in host.seen()), "both have run"
    )
    container = setup.container.container_name
    expected = {
        "read": f"{container}/text/a/b.txt",
        "length": 6,
        "uri": f"{setup.container.url}/text/a/b.txt",
        "content": "héllo",
        "metadata": {"kind": "x"},
    }
    assert [event for event in host.seen() if "read" in event] == [expected]


async def test_listing_goes_over_pages(setup: _Setup, azurite: str) -> None:
    """Blobs beyond the first page are listed, with the versions that the SDK tells."""
    names = [f"in/{number:02d} &<é>.dcm" for number in range(25)]
    setup.put([*names, "out/x.dcm"])
    expected = {item.name: (item.etag, item.size) for item in setup.container.list_blobs("in/")}
    async with AsyncContainerClient.from_connection_string(
        azurite, setup.container.container_name
    ) as container:
        pages = [page async for page in list_pages(container, "in/", page_size=10)]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert {item.name: (item.etag, item.size) for page in pages for item in page} == expected
