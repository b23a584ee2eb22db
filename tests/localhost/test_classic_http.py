"""An app without the streaming extension: whole bodies in, whole answers out."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING

import pytest

from tests.localhost.running_host import RunningHost, write_app

if TYPE_CHECKING:
    from tests.localhost.conftest import StartHost

pytestmark = pytest.mark.host

APP = """
import json
import azure.functions as func

app = func.FunctionApp()

@app.route(route="echo/{name}", auth_level=func.AuthLevel.ANONYMOUS)
def echo(req: func.HttpRequest) -> func.HttpResponse:
    seen = {"method": req.method, "name": req.route_params["name"], "q": req.params.get("q"), "url": req.url,
            "body": req.get_body().decode(), "other": req.headers.get("x-other")}
    headers = {"Set-Cookie": "a=b; Path=/; HttpOnly; SameSite=Lax; Max-Age=5"}
    return func.HttpResponse(json.dumps(seen), status_code=202, mimetype="application/json", headers=headers)

@app.route(route="text")
async def text(req: func.HttpRequest) -> str:
    return "plain"

@app.route(route="broken")
def broken(req: func.HttpRequest) -> str:
    raise ValueError("on purpose")
"""


@pytest.fixture(scope="module")
def host(start_host: StartHost, tmp_path_factory: pytest.TempPathFactory) -> RunningHost:
    """Give a classic app whose bodies are limited to 1,000 bytes."""
    app = write_app(tmp_path_factory.mktemp("classic") / "app", APP)
    return start_host(app, settings={"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1000"}).ready()


def _call(host: RunningHost, path: str, body: bytes = b"") -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=30)
    connection.request("POST", path, body, {"X-Other": "7"})
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read()
    connection.close()
    return found


def test_request_and_answer_are_whole(host: RunningHost) -> None:
    """The function sees method, parameters, query, headers and body; status, type and cookie come back."""
    status, headers, body = _call(host, "/api/echo/n%20m?q=1", b"hello")
    seen = json.loads(body)
    url = f"{host.url}/api/echo/n%20m?q=1"
    assert {"method": "POST", "name": "n m", "q": "1", "body": "hello", "other": "7", "url": url} == seen
    assert (status, headers["content-type"]) == (202, "application/json")
    assert {"a=b", "Path=/", "Max-Age=5", "HttpOnly", "SameSite=lax"} == set(
        headers["set-cookie"].split("; ")
    )


def test_a_string_is_an_answer(host: RunningHost) -> None:
    """A returned string is answered as text."""
    status, headers, body = _call(host, "/api/text")
    assert (status, headers["content-type"], body) == (200, "text/plain; charset=utf-8", b"plain")


def test_failures(host: RunningHost) -> None:
    """A function that raises gives 500, a body over the limit 413, an unknown path 404."""
    assert [_call(host, *call)[0] for call in (("/api/broken",), ("/api/text", b"0" * 1001), ("/text",))] == [
        500,
        413,
        404,
    ]
