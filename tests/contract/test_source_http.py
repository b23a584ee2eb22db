"""Asking a source that fails on cue, over a real connection: what is tried again, what is refused, and what is never asked."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from shared.backends.dicomweb_client import DicomwebSource
from shared.backends.orthanc import OrthancSource
from shared.backends.source_http.addresses import CheckedResolver, check_address, literal_address
from shared.backends.source_http.client import HELD_BYTES, SourceHttp, pieces_of
from shared.backends.source_http.options import SourceOptions
from shared.backends.source_http.retries import BusyError, seconds_of
from shared.dicom.references import InstanceRef
from shared.errors import SettingsError, SourceRefusedError, SourceUnavailableError
from shared.ports.imports import ImportFilter, SourceInstance
from tests.certificates import Certificates, made_certificates
from tests.contract.import_source import content_of, every_study, instances_of
from tests.free_ports import free_ports
from tests.instances import an_instance, uids

pytestmark = [pytest.mark.host]

ID = "dd03786b-6cc667d1-a65fa0e9-34101126-6f82ca59"

type Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def a_server(answer: Answering, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve every path by one function; yield the root."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_ports(1)
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def a_client(url: str, **options: Any) -> AsyncIterator[SourceHttp]:
    """Open a client that waits for little."""
    given = {
        "allow_loopback": True,
        "first_wait_seconds": 0.001,
        "timeout_seconds": 5.0,
        "attempts": 3,
    } | options
    client = SourceHttp(SourceOptions(url=url, **given))
    try:
        yield client
    finally:
        await client.close()


class Script:
    """Answers the nth request by the nth entry, and later ones by the last."""

    def __init__(self, *answers: Answering) -> None:
        self.answers = answers
        self.requests: list[web.Request] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer."""
        self.requests.append(request)
        return await self.answers[min(len(self.requests), len(self.answers)) - 1](request)


def status(code: int, **headers: str) -> Answering:
    """Answer a status, with a body that nobody may see."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text="Somebody^Private", headers=headers)

    return answer


def fine(body: bytes = b"[]") -> Answering:
    """Answer well."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body)

    return answer


def dropping(sent: bytes, said: int) -> Answering:
    """Send some of what was promised, and break off."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(said)})
        await response.prepare(request)
        await response.write(sent)
        assert request.transport is not None
        request.transport.abort()
        return response

    return answer


async def hanging(_: web.Request) -> web.StreamResponse:
    """Answer nothing for long."""
    await asyncio.sleep(60)
    return web.Response()


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(code: int) -> None:
    """Two failures are followed by a third attempt; three are the end."""
    script = Script(status(code), status(code), fine(b'{"a": 1}'))
    async with a_server(script) as url, a_client(url) as client:
        assert await client.json(client.url("x")) == {"a": 1}
        assert len(script.requests) == 3
    async with a_server(Script(status(code))) as url, a_client(url) as client:
        with pytest.raises(SourceUnavailableError, match=f"answered {code}"):
            await client.json(client.url("x"))


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 501])
async def test_what_will_not_pass_is_asked_once(code: int) -> None:
    """A refusal is an error at once, which says nothing of what the source said."""
    script = Script(status(code))
    async with a_server(script) as url, a_client(url) as client:
        with pytest.raises(SourceRefusedError) as error:
            await client.json(client.url("x"))
    assert len(script.requests) == 1
    assert "Private" not in str(error.value)


async def test_a_source_that_drops_hangs_or_is_not_there_does_not_answer() -> None:
    """Each is tried three times and then told; none takes for ever."""
    for answer in (dropping(b"[", 100), hanging):
        script = Script(answer)
        async with a_server(script) as url, a_client(url, timeout_seconds=0.2) as client:
            with pytest.raises(SourceUnavailableError):
                await client.json(client.url("x"))
            assert len(script.requests) == 3
    async with a_client(f"http://127.0.0.1:{free_ports(1)}") as client:
        with pytest.raises(SourceUnavailableError):
            await client.json(client.url("x"))


async def test_retry_after_is_honoured() -> None:
    """Seconds and dates are waited for, but no more than a minute."""
    script = Script(status(429, **{"Retry-After": "1"}), fine())
    async with a_server(script) as url, a_client(url) as client:
        begun = asyncio.get_running_loop().time()
        await client.json(client.url("x"))
        assert asyncio.get_running_loop().time() - begun >= 1
    script = Script(status(503, **{"Retry-After": "3600"}))
    async with a_server(script) as url, a_client(url) as client:
        with pytest.raises(BusyError):
            await client.json(client.url("x"))
    assert len(script.requests) == 1
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert seconds_of(format_datetime(now + timedelta(seconds=7), usegmt=True), now) == 7
    assert seconds_of("soon", now) is None


async def test_what_is_no_json_is_refused() -> None:
    """A login page with status 200 is no list."""
    async with a_server(Script(fine(b"<html>"))) as url, a_client(url) as client:
        with pytest.raises(SourceRefusedError, match="no JSON"):
            await client.json(client.url("x"))
        with pytest.raises(SourceRefusedError, match="no JSON"):
            await every_study(OrthancSource(client), ImportFilter())
    for odd in (b'{"a": 1}', b'["x"]', b"[1]", b'"x"'):
        async with a_server(Script(fine(odd))) as url, a_client(url) as client:
            for source in (OrthancSource(client), DicomwebSource(client)):
                with pytest.raises(SourceRefusedError):
                    await every_study(source, ImportFilter())


async def test_a_file_that_breaks_off_early_is_fetched_again_and_late_is_told() -> None:
    """Within the first 4 MiB nobody notices; beyond it the reader learns that not all has come."""
    content = bytes(range(256)) * 64
    async with (
        a_server(Script(dropping(content[:100], len(content)), fine(content))) as url,
        a_client(url) as client,
    ):
        assert await content_of(OrthancSource(client), SourceInstance(ID)) == content
    large = bytes(HELD_BYTES + 2_000_000)
    async with a_server(Script(dropping(large[:-1], len(large)))) as url, a_client(url) as client:
        with pytest.raises(SourceUnavailableError):
            await content_of(OrthancSource(client), SourceInstance(ID))


async def test_redirects_stay_within_the_origin() -> None:
    """One to another host is not followed: its credentials would go along."""

    async def inside(request: web.Request) -> web.StreamResponse:
        if request.path == "/x":
            raise web.HTTPTemporaryRedirect("/y")
        return web.Response(body=b"[]")

    async with a_server(inside) as url, a_client(url, bearer="t0ken") as client:
        assert await client.json(client.url("x")) == []
    elsewhere = Script(fine())

    async with a_server(elsewhere) as other:

        async def outside(_: web.Request) -> web.StreamResponse:
            raise web.HTTPFound(f"{other}/x")

        async with a_server(outside) as url, a_client(url, bearer="t0ken") as client:
            with pytest.raises(SourceRefusedError, match="another host"):
                await client.json(client.url("x"))
    assert elsewhere.requests == []
    async with a_server(status(302, Location="/x")) as url, a_client(url) as client:
        with pytest.raises(SourceRefusedError, match="without an end"):
            await client.json(client.url("x"))


async def test_logins_are_sent() -> None:
    """Basic and bearer; neither stands in what the options say of themselves."""
    script = Script(fine())
    async with a_server(script) as url:
        async with a_client(url, username="u", password="pässword") as client:
            await client.json(client.url("x"))
        async with a_client(url, bearer="t0ken") as client:
            await client.json(client.url("x"))
    assert [request.headers["Authorization"] for request in script.requests] == [
        "Basic dTpww6Rzc3dvcmQ=",
        "Bearer t0ken",
    ]
    told = repr(SourceOptions(url="http://x", password="pässword", bearer="t0ken"))
    assert "pässword" not in told
    assert "t0ken" not in told


async def test_certificates_are_checked_both_ways(tmp_path: Path) -> None:
    """An unknown authority is refused, a known one is taken, and a client shows its own certificate."""
    made: Certificates = made_certificates(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(made.authority))
    tls.load_cert_chain(made.server, made.server_key)
    tls.verify_mode = ssl.CERT_REQUIRED
    shown = {"certificate": str(made.client), "private_key": str(made.client_key)}
    async with a_server(Script(fine()), tls) as url:
        async with a_client(url, **shown) as client:
            with pytest.raises(SourceRefusedError, match="trusted"):
                await client.json(client.url("x"))
        async with a_client(url, ca_certs=str(made.authority), **shown) as client:
            assert await client.json(client.url("x")) == []
        async with a_client(url, ca_certs=str(made.authority)) as client:
            with pytest.raises(SourceUnavailableError):
                await client.json(client.url("x"))
    async with a_client("https://127.0.0.1:1", ca_certs=str(tmp_path / "none.pem")) as client:
        with pytest.raises(SettingsError, match="certificates"):
            await client.json(client.url("x"))


async def test_a_server_that_pages_oddly_is_read_to_its_end() -> None:
    """One that gives fewer than asked for, and one that ignores the offset: no study is missed, none goes on for ever."""
    rows = [{"0020000D": {"vr": "UI", "Value": [uids(study)[0]]}} for study in range(1, 8)]

    async def frugal(request: web.Request) -> web.StreamResponse:
        start = int(request.query["offset"])
        return web.json_response(rows[start : start + 1]) if start < 7 else web.Response(status=204)

    async def deaf(_: web.Request) -> web.StreamResponse:
        return web.json_response(rows)

    for answer in (frugal, deaf):
        async with a_server(answer) as url, a_client(url) as client:
            found = await every_study(DicomwebSource(client, page=3), ImportFilter())
            assert sorted(found) == sorted(uids(study)[0] for study in range(1, 8))


async def test_instances_of_a_deaf_server_come_once() -> None:
    """The same page again and again is one page; a server may also answer one part without an envelope."""
    study, series, sop_instance = uids(1)
    row = {
        "0020000E": {"vr": "UI", "Value": [series]},
        "00080018": {"vr": "UI", "Value": [sop_instance]},
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/instances"):
            return web.json_response([row, row])
        return web.Response(body=an_instance(1), content_type="application/dicom")

    async with a_server(answer) as url, a_client(url) as client:
        source = DicomwebSource(client)
        [instance] = await instances_of(source, study)
        assert instance.ref == InstanceRef(study, series, sop_instance)
        assert await content_of(source, instance) == an_instance(1)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "168.63.129.16",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "::",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
    ],
)
def test_addresses_of_clouds_and_links_are_never_asked(address: str) -> None:
    """Whatever is allowed, these are not."""
    with pytest.raises(SourceRefusedError, match="never asked"):
        check_address(address, allow_loopback=True)


async def test_this_machine_is_asked_where_that_is_allowed_only() -> None:
    """By any spelling of its address, and by a name that leads to it."""
    for host in ("127.0.0.1", "[::1]", "2130706433", "0x7f.1", "127.1"):
        assert literal_address(host) is not None
        with pytest.raises(SourceRefusedError, match="this machine"):
            SourceHttp(SourceOptions(url=f"http://{host}:8042"))
    assert literal_address("pacs.example") is None
    async with a_client("http://localhost:8042", allow_loopback=False) as client:
        with pytest.raises(SourceRefusedError, match="this machine"):
            await client.json(client.url("x"))
    assert await CheckedResolver(allow_loopback=True).resolve("localhost", 80, socket.AF_INET)


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://u:p@x", "file:///etc/passwd"])
def test_only_plain_http_urls_are_roots(url: str) -> None:
    """No other scheme, no credentials in a URL."""
    with pytest.raises(SourceRefusedError):
        SourceHttp(SourceOptions(url=url))


async def test_steps_of_a_path_stay_steps() -> None:
    """Slashes, question marks and percent signs in an id are its own."""
    script = Script(fine())
    async with a_server(script) as url, a_client(f"{url}/base/") as client:
        await client.json(client.url("studies", "a/../b?c#d%2e"), params={"q": "ä&b"})
        async with client.open(client.url("file"), "*/*") as answer:
            assert [piece async for piece in pieces_of(answer)] == [b"[]"]
    assert script.requests[0].raw_path == "/base/studies/a%2F..%2Fb%3Fc%23d%252e?q=%C3%A4%26b"
