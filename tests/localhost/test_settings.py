"""Settings: what wins, what is refused, how names are found."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from localhost.errors import StartError
from localhost.settings import (
    HostJson,
    apply_local_settings,
    body_limit,
    connection_setting,
    expand,
    host_id,
    is_disabled,
    parse_timespan,
)


def _write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """A value of local.settings.json fills in only what the environment does not say."""
    path = _write(
        tmp_path / "s.json", {"IsEncrypted": False, "Values": {"A": "file", "B": "file", "C": True, "D": 5}}
    )
    environ = {"A": "environment"}
    apply_local_settings(path, environ)
    assert environ == {"A": "environment", "B": "file", "C": "true", "D": "5"}


@pytest.mark.parametrize("content", [{"IsEncrypted": True}, {"Values": []}, {"Values": {"A": {}}}, []])
def test_refuses_settings_it_cannot_read(tmp_path: Path, content: object) -> None:
    """Encrypted, nested or malformed settings are refused, by the file's name."""
    path = _write(tmp_path / "s.json", content)
    with pytest.raises(StartError, match=r"s\.json"):
        apply_local_settings(path, {})


def test_expressions_are_replaced() -> None:
    """Every %NAME% becomes the setting's value; a missing one is named with its place."""
    assert expand("q-%A%/{name}", {"A": "x"}, "function f") == "q-x/{name}"
    with pytest.raises(StartError, match=r"function f.*NOPE"):
        expand("%NOPE%", {}, "function f")


def test_a_connection_is_found_as_the_host_finds_it() -> None:
    """The prefixed setting comes first, then the plain one; an identity-based form is refused by name."""
    assert connection_setting("X", {"AzureWebJobsX": "1", "X": "2"}, "f") == "AzureWebJobsX"
    assert connection_setting("X", {"X": "2"}, "f") == "X"
    with pytest.raises(StartError, match="identity"):
        connection_setting("X", {"X__blobServiceUri": "https://a"}, "f")
    with pytest.raises(StartError, match="no app setting"):
        connection_setting("X", {}, "f")


@pytest.mark.parametrize(
    ("text", "seconds"), [("00:00:02", 2.0), ("00:05", 300.0), ("1.02:03:04", 93784.0), ("00:00:00.5", 0.5)]
)
def test_timespans(text: str, seconds: float) -> None:
    """A TimeSpan is days, hours, minutes and seconds."""
    assert timedelta(seconds=seconds) == parse_timespan(text)


def test_host_json_defaults_and_overrides(tmp_path: Path) -> None:
    """host.json is read without regard to case, and AzureFunctionsJobHost__ settings replace its values."""
    content = {
        "extensions": {
            "Queues": {"BatchSize": 3, "visibilityTimeout": "00:00:07"},
            "http": {"routePrefix": "/x/"},
        }
    }
    path = _write(tmp_path / "host.json", content)
    environ = {
        "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:01",
        "AzureFunctionsJobHost__extensions__blobs__maxDegreeOfParallelism": "2",
    }
    host_json = HostJson(path, environ)
    queues = host_json.queues(600)
    found = (
        queues.batch_size,
        queues.visibility_timeout,
        queues.max_dequeue_count,
        queues.max_polling_interval,
    )
    assert (
        host_json.route_prefix,
        found,
        host_json.blobs().max_degree_of_parallelism,
    ) == ("x", (3, 7.0, 5, 1.0), 2)
    assert HostJson(tmp_path / "none.json", {}).route_prefix == "api"


@pytest.mark.parametrize(
    "queues",
    [{"batchSize": 33}, {"batchSize": "x"}, {"maxPollingInterval": "soon"}, {"messageEncoding": "utf-7"}],
)
def test_refuses_values_out_of_range(tmp_path: Path, queues: dict[str, object]) -> None:
    """A value that Azure would refuse is refused by its name."""
    path = _write(tmp_path / "host.json", {"extensions": {"queues": queues}})
    with pytest.raises(StartError, match=next(iter(queues))):
        HostJson(path, {}).queues(600)


def test_host_ids_differ_by_folder(tmp_path: Path) -> None:
    """The derived id is valid in a queue's name and is another for another folder of the same name."""
    first, second = (host_id(None, {}, tmp_path / parent / "My App!") for parent in ("a", "b"))
    assert first.startswith("my-app-")
    assert first != second
    assert host_id("asked", {"AzureFunctionsWebHost__hostid": "set"}, tmp_path) == "asked"
    assert host_id(None, {"AzureFunctionsWebHost__hostid": "set"}, tmp_path) == "set"
    with pytest.raises(StartError):
        host_id("Not Good", {}, tmp_path)


def test_functions_can_be_disabled() -> None:
    """A function is off by its setting, in either spelling, and by no other's."""
    environ = {
        "AzureWebJobs.a.Disabled": "True",
        "AzureWebJobs__b__Disabled": "1",
        "AzureWebJobs.c.Disabled": "false",
    }
    assert [is_disabled(name, environ) for name in "abcd"] == [True, True, False, False]


def test_body_limit() -> None:
    """The limit is a number of bytes, 100 MiB unless set."""
    assert (body_limit({}), body_limit({"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "7"})) == (104_857_600, 7)
    with pytest.raises(StartError):
        body_limit({"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1 MB"})
