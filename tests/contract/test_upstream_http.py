"""The upstream adapter before a service that misbehaves: each way of it has a defined end, and secrets stay where they belong."""

import asyncio
import base64
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from shared.backends.upstream.address import address_of
from shared.backends.upstream.dicomweb import HttpDicomwebUpstream
from shared.backends.upstream.http import UpstreamHttp
from shared.backends.upstream.login import Login, by_tokens, login_of
from shared.backends.upstream.probe import upstream_state
from shared.errors import (
    AppError,
    BadUpstreamAnswerError,
    PayloadTooLargeError,
    SettingsError,
    UpstreamLoginError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from shared.ports.upstream import UpstreamAnswer, UpstreamRequest
from shared.settings.settings import Settings
from tests.contract.upstream_server import Received, answering, raw_server, response
from tests.free_ports import free_ports

pytestmark = pytest.mark.host

SEARCH = UpstreamRequest("GET", ("studies",), (("PatientName", "Ä*/../?&#"),))
SECRET = "s3cret-of-the-upstream"


@asynccontextmanager
async def opened(url: str, **changed: Any) -> AsyncIterator[HttpDicomwebUpstream]:
    """Open the service at *url*."""
    values = {"upstream_url": url, "upstream_timeout_seconds": 1.0, **changed}
    settings = Settings.model_validate(values)
    http = UpstreamHttp(settings, login_of(settings))
    try:
        yield HttpDicomwebUpstream(http, address_of(settings))
    finally:
        await http.close()


async def whole(answer: UpstreamAnswer) -> bytes:
    """Read a body."""
    return b"".join([chunk async for chunk in answer.chunks])


async def test_parts_of_a_request_are_encoded_once() -> None:
    """Values cannot leave their place in path or query, and no header comes along that was not given."""
    async with raw_server(answering()) as server, opened(f"{server.url}/base") as upstream:
        answer = await upstream.send(SEARCH)
        assert (answer.status, await whole(answer)) == (200, b"[]")

    [received] = server.requests
    assert received.target == "/base/studies?PatientName=%C3%84%2A%2F..%2F%3F%26%23"
    assert set(received.headers) == {"host", "accept-encoding"}
    assert received.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    """Not to another host, which would be sent the credentials."""
    async with raw_server(answering()) as elsewhere:
        moved = answering(status, b"", Location=f"{elsewhere.url}/studies")
        async with raw_server(moved) as server:
            settings = {"upstream_credential": "bearer", "upstream_token": SECRET}
            async with opened(server.url, **settings) as upstream:
                assert (await upstream.send(SEARCH)).status == status
        assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"
    assert elsewhere.connections == 0


async def test_a_cookie_is_not_kept() -> None:
    """What one client is given goes to no other."""
    async with raw_server(answering(Set_Cookie="session=1")) as server, opened(server.url) as upstream:
        for _ in range(2):
            await whole(await upstream.send(SEARCH))
    assert all("cookie" not in one.headers for one in server.requests)


async def gigantic_headers(_: Received, writer: asyncio.StreamWriter) -> None:
    """Send a header of 10 MB."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Large: " + b"a" * 10_000_000 + b"\r\n\r\n")


async def many_headers(_: Received, writer: asyncio.StreamWriter) -> None:
    """Send headers without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: a\r\n" * 1000)
        await writer.drain()


async def no_http(_: Received, writer: asyncio.StreamWriter) -> None:
    """Speak another protocol."""
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")


async def hangs_up(_: Received, writer: asyncio.StreamWriter) -> None:
    """Close without an answer."""


async def says_nothing(_: Received, writer: asyncio.StreamWriter) -> None:
    """Take the request and wait."""
    await asyncio.sleep(60)


async def drips_headers(_: Received, writer: asyncio.StreamWriter) -> None:
    """Send a byte of the headers now and then, each sooner than a single read would time out."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("respond", "error"),
    [
        (gigantic_headers, BadUpstreamAnswerError),
        (many_headers, BadUpstreamAnswerError),
        (no_http, BadUpstreamAnswerError),
        (hangs_up, UpstreamUnavailableError),
        (says_nothing, UpstreamTimeoutError),
        (drips_headers, UpstreamTimeoutError),
    ],
)
async def test_what_is_no_answer_is_an_error_of_its_kind(respond: Any, error: type[AppError]) -> None:
    """And its message repeats nothing of what was received."""
    async with raw_server(respond) as server, opened(server.url) as upstream:
        with pytest.raises(error) as caught:
            await upstream.send(SEARCH)
    assert type(caught.value) is error
    assert "OpenSSH" not in str(caught.value)


async def endless(_: Received, writer: asyncio.StreamWriter) -> None:
    """Send a body without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom\r\nConnection: close\r\n\r\n")
    while True:
        writer.write(bytes(65536))
        await writer.drain()


async def drips(_: Received, writer: asyncio.StreamWriter) -> None:
    """Send a body so slowly that it never ends, each byte in time."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.1)


async def stops(_: Received, writer: asyncio.StreamWriter) -> None:
    """Send half a body and wait."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()
    await asyncio.sleep(60)


async def is_cut_off(_: Received, writer: asyncio.StreamWriter) -> None:
    """Send half a body and close."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom\r\nContent-Length: 100\r\n\r\nhalf")


@pytest.mark.parametrize(
    ("respond", "error"),
    [
        (endless, BadUpstreamAnswerError),
        (drips, UpstreamTimeoutError),
        (stops, UpstreamTimeoutError),
        (is_cut_off, BadUpstreamAnswerError),
    ],
)
async def test_a_body_that_does_not_end_well_is_an_error(respond: Any, error: type[AppError]) -> None:
    """Whatever its length says, nothing waits for ever and nothing grows without limit."""
    async with (
        raw_server(respond) as server,
        opened(server.url, upstream_max_answer_bytes=2_000_000) as upstream,
    ):
        answer = await upstream.send(SEARCH)
        with pytest.raises(error):
            await asyncio.wait_for(whole(answer), 30)


async def test_a_length_over_the_limit_is_refused_before_anything_is_read() -> None:
    """By what the service says of it."""
    async with (
        raw_server(answering(body=bytes(1000))) as server,
        opened(server.url, upstream_max_answer_bytes=999) as upstream,
    ):
        with pytest.raises(BadUpstreamAnswerError, match="999 bytes"):
            await upstream.send(SEARCH)


async def test_a_refused_connection_is_tried_again_then_told() -> None:
    """A service that comes up meanwhile is reached, also by a store request, whose body was not begun."""
    port = free_ports(1)
    begun: list[float] = []

    async def body() -> AsyncIterator[bytes]:
        begun.append(time.monotonic())
        yield b"all of it"

    request = UpstreamRequest("POST", ("studies",), body=body())
    async with opened(f"http://127.0.0.1:{port}") as upstream:
        with pytest.raises(UpstreamUnavailableError, match="refuses connections"):
            await upstream.send(SEARCH)
        sending = asyncio.create_task(upstream.send(request))
        await asyncio.sleep(0.05)
        assert begun == []
        async with raw_server(answering(200, b"{}"), port) as server:
            assert (await sending).status == 200
    assert [one.body for one in server.requests] == [b"all of it"]


async def test_an_answer_that_nobody_reads_lets_its_connection_go() -> None:
    """Closing it is enough, whether it was begun or not: else none would be left after a while."""
    async with raw_server(answering(500)) as server, opened(server.url, upstream_connections=2) as upstream:
        for _ in range(6):
            answer = await asyncio.wait_for(upstream.send(SEARCH), 10)
            await answer.chunks.aclose()
            await answer.chunks.aclose()
    assert server.connections == 6


async def test_a_store_request_is_sent_once() -> None:
    """When the connection breaks after a byte of the body nobody knows what was stored: it is told, not repeated."""
    async with raw_server(hangs_up) as server, opened(server.url) as upstream:

        async def body() -> AsyncIterator[bytes]:
            yield b"a part"

        with pytest.raises(UpstreamUnavailableError):
            await upstream.send(UpstreamRequest("POST", ("studies",), body=body()))
    assert server.connections == 1


async def test_what_keeps_a_body_from_being_read_is_told_as_it_is() -> None:
    """Too long a body is the client's fault, not the upstream service's."""

    async def body() -> AsyncIterator[bytes]:
        yield b"a part"
        raise PayloadTooLargeError("the body has more bytes than it may have")

    async with raw_server(answering()) as server, opened(server.url) as upstream:
        with pytest.raises(PayloadTooLargeError):
            await upstream.send(UpstreamRequest("POST", ("studies",), body=body()))


async def test_a_slow_client_is_not_a_slow_service() -> None:
    """The time in which nothing comes from the client does not count."""

    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.sleep(0.6)
        yield b"two"

    async with (
        raw_server(answering()) as server,
        opened(server.url, upstream_timeout_seconds=0.3) as upstream,
    ):
        assert (await upstream.send(UpstreamRequest("POST", ("studies",), body=body()))).status == 200
    assert server.requests[0].body == b"onetwo"


async def test_an_answer_before_the_end_of_the_body_is_passed_on() -> None:
    """A service may refuse what it has seen of it."""

    async def respond(_: Received, writer: asyncio.StreamWriter) -> None:
        """Never called: the head is enough."""

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response(413, b"{}"))
        await writer.drain()
        await asyncio.sleep(0.3)
        writer.close()

    async def body() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield bytes(65536)
            await asyncio.sleep(0.001)

    port = free_ports(1)
    listening = await asyncio.start_server(early, "127.0.0.1", port)
    async with opened(f"http://127.0.0.1:{port}") as upstream:
        answer = await upstream.send(UpstreamRequest("POST", ("studies",), body=body()))
        assert (answer.status, await whole(answer)) == (413, b"{}")
    listening.close()
    listening.close_clients()


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"upstream_credential": "none"}, None),
        ({"upstream_credential": "bearer", "upstream_token": SECRET}, f"Bearer {SECRET}"),
        (
            {"upstream_credential": "basic", "upstream_username": "me", "upstream_password": SECRET},
            "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode(),
        ),
    ],
)
async def test_credentials_are_sent_and_never_logged(
    settings: dict[str, str], header: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Each kind has its header; no log of any library holds it."""
    caplog.set_level(logging.DEBUG)
    async with raw_server(answering()) as server, opened(server.url, **settings) as upstream:
        await whole(await upstream.send(SEARCH))
    assert server.requests[0].headers.get("authorization") == header
    assert SECRET not in caplog.text
    assert header is None or header.split()[1] not in caplog.text


class Tokens:
    """An identity whose tokens live for *seconds*."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.asked: list[str] = []
        self.broken = False

    async def get_token(self, *scopes: str, **_: Any) -> Any:
        """Give the next token."""
        if self.broken:
            raise ClientAuthenticationError("no identity here: " + SECRET)
        self.asked += scopes
        return SimpleNamespace(token=f"token{len(self.asked)}", expires_on=int(time.time() + self.seconds))


async def test_a_token_is_renewed_before_it_ends() -> None:
    """One that lives long is kept, one that is about to end is replaced, and where none is to be had it is told."""
    lasting, ending = Tokens(3600), Tokens(200)
    scope = "https://dicom.healthcareapis.azure.com/.default"
    kept, renewed = by_tokens(lasting, scope), by_tokens(ending, scope)  # type: ignore[arg-type]  # as an identity

    assert [await kept(), await kept()] == ["Bearer token1", "Bearer token1"]
    assert [await renewed(), await renewed()] == ["Bearer token1", "Bearer token2"]
    assert lasting.asked == [scope]
    broken = Tokens(1)
    broken.broken = True
    login = Login(by_tokens(broken, scope))  # type: ignore[arg-type]  # as an identity
    with pytest.raises(UpstreamLoginError) as caught:
        await login.authorization()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("managed_identity", "ManagedIdentityCredential"),
        ("cli", "AzureCliCredential"),
        ("environment", "EnvironmentCredential"),
    ],
)
async def test_an_identity_is_of_the_kind_that_is_set(
    kind: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name, and by no place in a list."""
    from azure.identity import aio

    made: list[str] = []

    class Made(Tokens):
        def __init__(self, **_: Any) -> None:
            super().__init__(3600)
            made.append(name)

        async def close(self) -> None:
            """Have nothing to close."""

    monkeypatch.setattr(aio, name, Made)
    login = login_of(Settings.model_validate({"upstream_credential": kind}))
    assert (made, await login.authorization()) == ([name], "Bearer token1")
    await login.close()


@pytest.mark.parametrize(
    ("url", "changed", "root"),
    [
        ("https://x.example", {"upstream_kind": "azure"}, "https://x.example/v2"),
        ("https://x.example/", {"upstream_kind": "azure", "upstream_version": "v1"}, "https://x.example/v1"),
        ("https://x.example/v1", {"upstream_kind": "azure"}, "https://x.example/v1"),
        (
            "https://x.example/v1.0-prerelease",
            {"upstream_kind": "azure"},
            "https://x.example/v1.0-prerelease",
        ),
        ("http://x.example:8042", {"upstream_kind": "orthanc"}, "http://x.example:8042/dicom-web"),
        ("https://x.example/a/b", {}, "https://x.example/a/b"),
    ],
)
def test_an_address_is_taken_with_or_without_version(url: str, changed: dict[str, str], root: str) -> None:
    """As people have it."""
    assert address_of(Settings.model_validate({"upstream_url": url, **changed})).dicomweb == root


@pytest.mark.parametrize(
    ("url", "credential"),
    [
        ("http://x.example", "bearer"),
        ("http://x.example", "managed_identity"),
        ("http://127.0.0.1.example", "basic"),
        ("https://x.example/a/../b", "none"),
        ("https://x.example/%2e%2e/b", "none"),
    ],
)
def test_an_address_that_would_give_secrets_away_is_refused(url: str, credential: str) -> None:
    """Credentials travel encrypted, but for this machine; a path is plain."""
    with pytest.raises(SettingsError):
        address_of(Settings.model_validate({"upstream_url": url, "upstream_credential": credential}))


@pytest.mark.parametrize("kind", ["bearer", "basic"])
def test_credentials_that_are_not_set_are_missed_at_once(kind: str) -> None:
    """Not by the service's refusal."""
    with pytest.raises(SettingsError, match="DICOM_UPSTREAM_"):
        login_of(Settings.model_validate({"upstream_credential": kind}))


@pytest.mark.parametrize("kind", ["azure", "orthanc", "dicomweb"])
async def test_each_way_of_not_getting_in_has_its_word(kind: str) -> None:
    """C004-1: unauthenticated, forbidden, another version or address, failing, unreachable; and that all is well."""
    told = {200: "ok", 401: "denied", 403: "forbidden", 404: "no such service", 500: "status 500"}
    for status, word in told.items():
        async with raw_server(answering(status)) as server:
            settings = Settings.model_validate({"upstream_url": server.url, "upstream_kind": kind})
            assert await upstream_state(settings, 5) == word
    assert await upstream_state(settings, 5) == "unreachable"


async def test_a_service_that_says_nothing_is_unreachable() -> None:
    """After the time that it has."""
    async with raw_server(says_nothing) as server:
        settings = Settings.model_validate({"upstream_url": server.url})
        assert await upstream_state(settings, 0.2) == "unreachable"
