"""HTTP through a running host: streamed both ways, bounded, and let go of when either end leaves."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.localhost.running_host import RunningHost, wait_for, write_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.localhost.conftest import StartHost

pytestmark = pytest.mark.host

MIB = 1_048_576
APP = """
import asyncio, json, os
import azure.functions as func
from azure_functions_runtime.http_v2 import http_coordinator
from azurefunctions.extensions.http.fastapi import JSONResponse, Request, Response, StreamingResponse
from starlette.requests import ClientDisconnect

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

def note(**event):
    with open(os.environ["EVENTS"], "a") as file:
        file.write(json.dumps(event) + "\\n")

@app.route(route="echo/{name}", methods=["GET", "HEAD", "POST", "DELETE"])
async def echo(req: Request) -> JSONResponse:
    body = await req.body()
    headers = {k: v for k, v in req.headers.items() if k not in ("x-ms-invocation-id",)}
    answer = {"method": req.method, "name": req.path_params["name"], "query": str(req.url.query), "path": req.url.path,
              "body": body.decode(), "headers": headers, "ids": len(req.headers.getlist("x-ms-invocation-id"))}
    return JSONResponse(answer, status_code=201, headers={"x-own": "1"})

@app.route(route="count", methods=["POST"])
async def count(req: Request) -> JSONResponse:
    total = 0
    async for chunk in req.stream():
        total += len(chunk)
    return JSONResponse({"total": total})

@app.route(route="slow_count", methods=["POST"])
async def slow_count(req: Request) -> JSONResponse:
    await asyncio.sleep(3)
    return await count(req)

@app.route(route="upload", methods=["POST"])
async def upload(req: Request) -> Response:
    note(upload="begun")
    try:
        async for _ in req.stream():
            pass
    except ClientDisconnect:
        note(upload="left")
        raise
    return Response()

@app.route(route="zeros/{mib}", methods=["GET"])
async def zeros(req: Request) -> StreamingResponse:
    mib = int(req.path_params["mib"])
    async def pieces():
        made = 0
        try:
            for made in range(1, mib + 1):
                yield b"0" * 1048576
                await asyncio.sleep(0)  # cancelling reaches a generator only where it awaits
        finally:
            note(zeros=mib, made=made)
    return StreamingResponse(pieces())

@app.route(route="broken")
async def broken(req: Request) -> Response:
    raise ValueError("on purpose")

@app.route(route="torn")
async def torn(req: Request) -> StreamingResponse:
    async def pieces():
        yield b"some"
        await asyncio.sleep(0.2)
        raise ValueError("on purpose")
    return StreamingResponse(pieces())

@app.route(route="off")
async def off(req: Request) -> Response:
    return Response()

@app.route(route="references", methods=["GET"])
async def references(req: Request) -> JSONResponse:
    return JSONResponse(len(http_coordinator._context_references))
"""


@pytest.fixture(scope="module")
def host(start_host: StartHost, tmp_path_factory: pytest.TempPathFactory) -> RunningHost:
    """Give a streaming app on a host without storage, its bodies limited to 300 MiB, with a static folder."""
    folder = tmp_path_factory.mktemp("streaming")
    app = write_app(folder / "app", APP, {"extensions": {"http": {"routePrefix": "v1"}}})
    settings = {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": str(300 * MIB), "AzureWebJobs.off.Disabled": "true"}
    (folder / "site").mkdir()
    (folder / "site/index.html").write_text("<p>index")
    return start_host(app, "--static", f"/site={folder / 'site'}", settings=settings).ready()


def _call(
    host: RunningHost,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=60)
    try:
        connection.request(method, path, body, headers or {}, **more)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def _zeros(mib: int) -> Iterator[bytes]:
    for _ in range(mib):
        yield b"0" * MIB


def _send_until_it_blocks(client: socket.socket, limit: int) -> int:
    sent = 0
    try:
        while sent < limit:
            sent += client.send(b"0" * 65_536)
    except TimeoutError:
        pass
    return sent


def test_passes_a_request_as_it_came(host: RunningHost) -> None:
    """Method, query, body and headers reach the function; of the invocation id only the host's own does."""
    headers = {
        "X-Forwarded-Proto": "https",
        "X-Other": "7",
        "x-ms-invocation-id": "forged",
        "Host": "pacs.example",
    }
    status, returned, body = _call(host, "POST", "/v1/echo/a%2Fb%20c?q=1&r=%20", b"hello", headers)
    seen = json.loads(body)
    assert (status, returned["x-own"]) == (201, "1")
    assert tuple(seen[key] for key in ("method", "name", "query", "body", "ids")) == (
        "POST",
        "a%2Fb c",
        "q=1&r=%20",
        "hello",
        1,
    )
    assert tuple(seen["headers"][key] for key in ("x-forwarded-proto", "x-other", "host")) == (
        "https",
        "7",
        "pacs.example",
    )


def test_head_is_for_functions_that_declare_it(host: RunningHost) -> None:
    """HEAD gives the headers of the function's own answer, and 404 where only GET is declared; so do other methods."""
    status, headers, body = _call(host, "HEAD", "/v1/echo/a")
    assert (status, body) == (201, b"")
    assert int(headers["content-length"]) > 0
    assert _call(host, "HEAD", "/v1/zeros/1")[0] == 404
    assert _call(host, "POST", "/v1/zeros/1")[0] == 404
    assert _call(host, "GET", "/echo/a")[0] == 404
    assert _call(host, "GET", "/v1/off")[0] == 404


def test_status_and_static_folder(host: RunningHost) -> None:
    """The host tells its state, and a folder is served beside the functions."""
    assert json.loads(_call(host, "GET", "/admin/host/status")[2])["state"] == "Running"
    assert _call(host, "GET", "/site/")[2] == b"<p>index"


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "with length"])
def test_a_large_body_goes_up_in_constant_memory(host: RunningHost, *, chunked: bool) -> None:
    """200 MiB pass to the function without being held."""
    _call(host, "POST", "/v1/count", b"warm")
    before = host.rss()
    headers = {} if chunked else {"Content-Length": str(200 * MIB)}
    status, _, body = _call(host, "POST", "/v1/count", _zeros(200), headers, encode_chunked=chunked)
    assert (status, json.loads(body)) == (200, {"total": 200 * MIB})
    assert host.rss() - before < 40 * MIB


def test_a_large_answer_comes_down_in_constant_memory(host: RunningHost) -> None:
    """200 MiB pass to the client without being held."""
    before = host.rss()
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=60)
    connection.request("GET", "/v1/zeros/200")
    answer, total = connection.getresponse(), 0
    while piece := answer.read(MIB):
        total += len(piece)
    assert total == 200 * MIB
    assert host.rss() - before < 40 * MIB


def test_a_client_that_does_not_read_stops_the_function_and_its_leave_ends_it(host: RunningHost) -> None:
    """Of a 4 GiB answer nobody reads only what buffers hold is made, and the generator ends when the client leaves."""
    with socket.create_connection(("127.0.0.1", host.port)) as client:
        client.sendall(b"GET /v1/zeros/4096 HTTP/1.1\r\nHost: x\r\n\r\n")
        client.recv(1000)
        time.sleep(1.0)
        assert [event for event in host.seen() if event.get("zeros") == 4096] == []
    (end,) = wait_for(
        lambda: [event for event in host.seen() if event.get("zeros") == 4096], "the generator ended"
    )
    assert end["made"] < 64


def test_a_function_that_does_not_read_stops_the_client(host: RunningHost) -> None:
    """While a function does not read, a client can send only what buffers hold."""
    with socket.create_connection(("127.0.0.1", host.port)) as client:
        client.sendall(b"POST /v1/slow_count HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (256 * MIB))
        client.settimeout(1.0)
        sent = _send_until_it_blocks(client, 256 * MIB)
    assert sent < 64 * MIB


def test_a_client_that_leaves_while_sending_is_noticed(host: RunningHost) -> None:
    """The function's reading ends with a disconnect when the client goes in the middle of its body."""
    with socket.create_connection(("127.0.0.1", host.port)) as client:
        client.sendall(b"POST /v1/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nsome")
        wait_for(lambda: {"upload": "begun"} in host.seen(), "the function begins")
    wait_for(lambda: {"upload": "left"} in host.seen(), "the function is told")


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "with length"])
def test_a_body_over_the_limit_is_refused(host: RunningHost, *, chunked: bool) -> None:
    """More bytes than the limit are answered 413, with the limit and the setting that moves it."""
    if chunked:
        status, _, body = _call(host, "POST", "/v1/count", _zeros(301), encode_chunked=True)
    else:
        status, _, body = _call(host, "POST", "/v1/count", b"", {"Content-Length": str(301 * MIB)})
    assert status == 413
    assert str(300 * MIB).encode() in body
    assert b"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT" in body


def test_a_failing_function_is_answered_500(host: RunningHost) -> None:
    """A function that raises gives 500, and one that raises in its stream tears the answer, visibly."""
    assert _call(host, "GET", "/v1/broken")[0] == 500
    with pytest.raises(http.client.IncompleteRead):
        _call(host, "GET", "/v1/torn")


def test_five_thousand_requests_leave_nothing_behind(host: RunningHost) -> None:
    """The runtime keeps a reference to the request that asks for the number, and to no earlier one."""
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=60)

    def count() -> bytes:
        connection.request("GET", "/v1/references")
        return connection.getresponse().read()

    wait_for(lambda: count() == b"1", "functions of other tests ended")
    counts = {count() for _ in range(5_000)}
    assert {b"1"} == counts


@pytest.mark.parametrize("path", ["/api/zeros/4096", "/api/slow_count"], ids=["streaming", "waiting"])
def test_a_stop_cuts_open_connections(start_host: StartHost, tmp_path: Path, path: str) -> None:
    """Idle and busy connections do not keep the host from ending in time, and it does not complain of them."""
    host = start_host(write_app(tmp_path / "app", APP)).ready()
    idle = http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)
    idle.request("GET", "/api/echo/a")
    idle.getresponse().read()
    method = "POST" if path.endswith("count") else "GET"
    with socket.create_connection(("127.0.0.1", host.port)) as busy:
        busy.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n".encode())
        if method == "GET":
            busy.recv(1000)
        time.sleep(0.2)
        assert host.stop() == 0
    assert "Traceback" not in host.text()
