"""Bindings: what is read, and that everything unknown is refused at once."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from localhost.bindings import read_functions
from localhost.blob_paths import BlobPath
from localhost.errors import StartError
from localhost.options import parse_options
from localhost.outputs import messages
from localhost.protos import TypedData

if TYPE_CHECKING:
    from collections.abc import Mapping


def _metadata(name: str, *bindings: Mapping[str, object]) -> SimpleNamespace:
    return SimpleNamespace(
        name=name, function_id=f"id-{name}", raw_bindings=[json.dumps(item) for item in bindings]
    )


def test_reads_trigger_and_outputs() -> None:
    """A function is its trigger, its parameter's name and its outputs."""
    trigger = {"type": "queueTrigger", "name": "msg", "direction": "IN", "queueName": "q"}
    output = {"type": "queue", "name": "out", "direction": "OUT", "queueName": "p"}
    (function,) = read_functions([_metadata("f", output, trigger)])
    assert ("f", "queueTrigger", "msg", (output,)) == (
        function.name,
        function.kind,
        function.parameter,
        function.outputs,
    )


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        ({"type": "serviceBusTrigger", "name": "x", "direction": "IN"}, "serviceBusTrigger"),
        ({"type": "blob", "name": "x", "direction": "IN"}, "binding blob"),
        ({"type": "queue", "name": "x", "direction": "IN"}, "binding queue"),
        ({"type": "blobTrigger", "name": "x", "direction": "IN", "source": "EventGrid"}, "Event Grid"),
    ],
)
def test_refuses_what_it_does_not_serve(binding: dict[str, object], message: str) -> None:
    """A trigger, an input or a source that would silently never work is refused, with the function's name."""
    http = {"type": "httpTrigger", "name": "req", "direction": "IN"}
    with pytest.raises(StartError, match=rf"(?s)broken.*{message}"):
        read_functions([_metadata("fine", http), _metadata("broken", binding)])


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("images/{name}", "a/b c.dcm", {"name": "a/b c.dcm"}),
        ("images/in/{study}/{name}.dcm", "in/1/x/y.dcm", {"study": "1/x", "name": "y"}),
        ("images/in/{name}.dcm", "out/y.dcm", None),
        ("images/in/{name}.dcm", "in/y.txt", None),
        ("images/a+b.txt", "a+b.txt", {}),
        ("images", "anything", {}),
    ],
)
def test_blob_paths(path: str, name: str, expected: dict[str, str] | None) -> None:
    """A pattern's parameters match any text, slashes included; all else must be as written."""
    assert expected == BlobPath(path).match(name)


@pytest.mark.parametrize("path", ["", "/", "{container}/x", "images/{a", "images/{a}{a}", "images/{a-b}"])
def test_refuses_blob_paths(path: str) -> None:
    """A container must be fixed and parameters readable."""
    with pytest.raises(ValueError, match="path"):
        BlobPath(path)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (TypedData(string="a"), [b"a"]),
        (TypedData(bytes=b"\xff"), [b"\xff"]),
        (TypedData(json='["a", {"b": 1}]'), [b"a", b'{"b": 1}']),
        (TypedData(json='{"b": 1}'), [b'{"b": 1}']),
    ],
)
def test_outputs_become_messages(value: TypedData, expected: list[bytes]) -> None:
    """A JSON array gives a message per item, anything else is one message."""
    assert expected == messages(value)


def test_help_says_what_it_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """The help names what running here does not prove."""
    with pytest.raises(SystemExit) as ended:
        parse_options(["--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert "NOT Azure Functions Core Tools" in text
    assert "does not prove" in text


@pytest.mark.parametrize(
    "words", [["--lease", "0"], ["--scan-interval", "x"], ["--static", "nope"], ["--app", "/no/such"]]
)
def test_refuses_options(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An option that makes no sense ends the program with code 2 and its name."""
    with pytest.raises(SystemExit) as ended:
        parse_options(words)
    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err
