"""The contract with the pinned runtime: every message it makes or reads is there and behaves as a real one."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from importlib import metadata
from pathlib import Path

import azure_functions_runtime
import pytest
from azure_functions_runtime import http_v2
from azure_functions_runtime.bindings.datumdef import Datum, datum_as_proto

from localhost import protos
from localhost.worker import TESTED_RUNTIME, release_context_references

SOURCE = Path(azure_functions_runtime.__file__).parent


def test_the_runtime_is_the_one_that_was_tested() -> None:
    """The seam is no public API, so another version of the runtime must be looked at first."""
    assert metadata.version("azure-functions-runtime") == TESTED_RUNTIME


def test_every_name_the_runtime_uses_exists() -> None:
    """No source file of the runtime reads a name of `protos` that this module lacks."""
    used = {
        name for file in SOURCE.rglob("*.py") for name in re.findall(r"\bprotos\.(\w+)", file.read_text())
    }
    assert {"TypedData", "InvocationResponse", "StatusResult"} <= used
    assert [name for name in sorted(used) if not hasattr(protos, name)] == []


def test_typed_data_reads_as_in_a_real_message() -> None:
    """The runtime reads back each kind it is given; what was not set is None, an unset HTTP body is empty."""
    for kind, value in (("string", "a"), ("bytes", b"b"), ("json", "{}")):
        datum = Datum.from_typed_data(protos.TypedData(**{kind: value}))
        assert (datum.type, datum.value) == (kind, value)
    assert Datum.from_typed_data(protos.TypedData()) is None
    http = Datum.from_typed_data(protos.TypedData(http=protos.RpcHttp(params={"a": "b"})))
    assert (http.value["body"].value, http.value["params"]["a"].value, http.value["headers"]) == (
        b"",
        "b",
        {},
    )


def test_answers_are_made_with_cookies() -> None:
    """The runtime builds an HTTP answer with a cookie's every attribute out of these classes."""
    cookie = SimpleCookie("a=b; Path=/; Secure; HttpOnly; Max-Age=5; Expires=Wed, 21 Oct 2026 07:28:00 GMT")
    value = {
        "status_code": Datum("201", "string"),
        "headers": {"x": Datum("1", "string")},
        "cookies": [cookie],
        "body": Datum(b"body", "bytes"),
    }
    http = datum_as_proto(Datum(value, "http"), protos).http
    (made,) = http.cookies
    assert (http.status_code, http.headers, http.body.bytes) == ("201", {"x": "1"}, b"body")
    assert (made.name, made.path.value, made.secure.value, made.max_age.value) == ("a", "/", True, 5.0)
    assert made.expires.value.seconds == 1_792_567_680
    assert made.same_site == getattr(protos.RpcHttpCookie.SameSite, "None")


def test_another_runtime_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The leak is mended in the tested version only; in another the host touches nothing and says so once."""
    monkeypatch.setattr(metadata, "version", lambda _: "1.3.1")
    before = http_v2.HttpCoordinator._pop_http_response
    assert release_context_references() is None
    assert http_v2.HttpCoordinator._pop_http_response is before
    assert [record.levelname for record in caplog.records if "1.3.1" in record.getMessage()] == ["WARNING"]
