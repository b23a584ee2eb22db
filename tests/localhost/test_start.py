"""What keeps the host from starting: it ends with code 1 and says what to do."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.localhost.running_host import write_app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localhost.conftest import StartHost

pytestmark = pytest.mark.host

_HEAD = "import azure.functions as func\napp = func.FunctionApp()\n"
_UNKNOWN = (
    _HEAD
    + """
@app.service_bus_queue_trigger(arg_name="msg", queue_name="q", connection="C")
def bus(msg: func.ServiceBusMessage) -> None: ...
"""
)
_QUEUE = (
    _HEAD
    + """
@app.queue_trigger(arg_name="msg", queue_name="%NOT_SET%", connection="AzureWebJobsStorage")
def work(msg: str) -> None: ...
"""
)
_SCHEDULE = (
    _HEAD
    + """
@app.timer_trigger(arg_name="timer", schedule="0 0 25 * * *")
def tick(timer: func.TimerRequest) -> None: ...
"""
)
_TYPE = (
    _HEAD
    + """
@app.queue_trigger(arg_name="msg", queue_name="q", connection="C")
def work(other: str) -> None: ...
"""
)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import no_such_module\n", ["no_such_module", "Traceback", "function_app.py"]),
        ("x = 1\n", ["Could not find top level function app"]),
        (_TYPE, ["cannot load the work function"]),
        (_UNKNOWN, ["bus: trigger serviceBusTrigger", "localhost serves httpTrigger"]),
        (_QUEUE, ["function work", "NOT_SET"]),
        (_SCHEDULE, ["function tick", "0 0 25 * * *"]),
    ],
    ids=["import", "no app", "index", "unknown trigger", "missing setting", "schedule"],
)
def test_refuses_to_start(tmp_path: Path, start_host: StartHost, source: str, words: list[str]) -> None:
    """An app that cannot run is refused with its reason and code 1, before anything is served."""
    host = start_host(write_app(tmp_path / "app", source))
    assert host.exit_code() == 1
    text = host.text()
    assert [word for word in words if word not in text] == []
    assert "ready" not in text


def test_refuses_a_port_in_use(tmp_path: Path, start_host: StartHost) -> None:
    """A port that another has is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        host = start_host(write_app(tmp_path / "app", _HEAD), "--port", str(port))
        assert host.exit_code() == 1
    assert f"port {port}" in host.text()


def test_refuses_a_folder_without_an_app(tmp_path: Path, start_host: StartHost) -> None:
    """A folder without function_app.py is named."""
    host = start_host(tmp_path)
    assert host.exit_code() == 1
    assert "function_app.py" in host.text()
