"""Signed HTTP requests to storage: what is sent again, what is not, and how requests are opened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.core.utils import parse_connection_string
from azure.storage.blob import AccountSasPermissions, ResourceTypes, Services, generate_account_sas

from shared.backends.azure_http import signed_http
from shared.backends.azure_http.account import by_connection_string, by_identity
from shared.backends.azure_http.answer import NoAnswerError
from shared.backends.azure_http.credentials import SharedAccessSignature, blob_text, table_text
from shared.backends.azure_http.signed_http import SignedHttp
from shared.errors import SettingsError

pytestmark = pytest.mark.azurite

KEY = "a2V5"


class Service:
    """A service on loopback: *script* says what becomes of each request; the last entry is repeated."""

    def __init__(self) -> None:
        self.script: list[int | None] = [200]
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer with a status, or hang up without (None)."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.method, request.path_qs, headers, await request.read()))
        status = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if status is None:
            if request.transport is not None:
                request.transport.close()
            return web.Response()
        return web.Response(status=status, headers={"x-ms-error-code": "Why", "Retry-After": "0"})


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """Run a service; waits between tries are none."""
    monkeypatch.setattr(signed_http, "_WAITS", (0.0, 0.0, 0.0))
    made = Service()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/account"
    yield made
    await runner.cleanup()


@pytest.fixture
async def http(service: Service) -> AsyncIterator[SignedHttp]:
    """Open the service by an account key."""
    connection = f"AccountName=account;AccountKey={KEY};TableEndpoint={service.url}"
    async with by_connection_string(connection, "table", 5) as opened:
        yield opened


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
async def test_a_lost_answer_is_asked_for_again(service: Service, http: SignedHttp, method: str) -> None:
    """A connection that closes while a request is on its way does not fail it, whatever its method."""
    service.script = [None, None, 201]

    assert (await http.send(method, "/table", {"content-type": "a/b"}, body=b"row")).status == 201

    assert {request[3] for request in service.requests} == {b"row"}


async def test_a_busy_service_is_asked_again(service: Service, http: SignedHttp) -> None:
    """What may pass is tried four times; what it says at last is the answer."""
    service.script = [503, 500, 200]
    assert (await http.send("GET", "/table", {})).status == 200
    service.script = [429]
    service.requests.clear()

    assert (await http.send("GET", "/table", {})).status == 429
    assert len(service.requests) == 4


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 413])
async def test_a_refusal_is_an_answer(service: Service, http: SignedHttp, status: int) -> None:
    """What trying again cannot help is asked once."""
    service.script = [status]

    answer = await http.send("GET", "/table", {})

    assert (answer.status, answer.code, len(service.requests)) == (status, "Why", 1)


async def test_silence_is_an_error(service: Service, http: SignedHttp) -> None:
    """After four tries without an answer there is none."""
    service.script = [None]

    with pytest.raises(NoAnswerError):
        await http.send("POST", "/table", {}, body=b"x")


async def test_long_bodies_come_whole(service: Service, http: SignedHttp) -> None:
    """A body of several pieces is sent with its length, again from its beginning when it is sent again."""
    body = bytes(range(256)) * 8192
    service.script = [None, 201]

    await http.send("PUT", "/blob", {"content-type": "a/b"}, body=body)

    *_, (_, _, headers, received) = service.requests
    assert received == body
    assert (headers["content-length"], headers.get("transfer-encoding")) == (str(len(body)), None)


@asynccontextmanager
async def listening(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """Have *talk* answer each connection to the address that this yields."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/account"


class Identity:
    """An identity whose tokens live for *seconds*; without, it has none."""

    def __init__(self, seconds: float | None) -> None:
        self.asked = 0
        self.seconds = seconds

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Give a token."""
        assert scopes == ("https://storage.azure.com/.default",)
        self.asked += 1
        if self.seconds is None:
            raise ClientAuthenticationError("no identity")
        return AccessToken(f"token-{self.asked}", int(time.time() + self.seconds))


@pytest.mark.parametrize(("seconds", "asked"), [(3600, 1), (200, 2)])
async def test_tokens_are_used_until_they_are_about_to_end(
    service: Service, seconds: float, asked: int
) -> None:
    """Each request carries a token that does not end on the way, and none is asked for in vain."""
    identity: Any = Identity(seconds)
    async with by_identity(service.url, identity, 5) as http:
        await http.send("GET", "/table", {})
        await http.send("GET", "/table", {})

    assert identity.asked == asked
    assert [request[2]["authorization"] for request in service.requests][-1] == f"Bearer token-{asked}"


async def test_without_a_token_nothing_is_sent(service: Service) -> None:
    """An identity that has no token is as if the service did not answer."""
    identity: Any = Identity(None)
    async with by_identity(service.url, identity, 5) as http:
        with pytest.raises(NoAnswerError):
            await http.send("GET", "/table", {})

    assert service.requests == []


async def test_a_token_is_used_to_its_end_where_no_other_is_to_be_had(service: Service) -> None:
    """An identity service that is away for a moment stops nothing that has a token."""
    identity: Any = Identity(200)
    async with by_identity(service.url, identity, 5) as http:
        await http.send("GET", "/table", {})
        identity.seconds = None
        await http.send("GET", "/table", {})

    assert identity.asked == 2
    assert {request[2]["authorization"] for request in service.requests} == {"Bearer token-1"}


@pytest.mark.parametrize(
    "endpoint", ["http://a.blob.core.example", "a.blob.core.example", "ftp://localhost.example"]
)
async def test_tokens_travel_encrypted(endpoint: str) -> None:
    """An address of a service that is not https is the setting's fault."""
    identity: Any = Identity(3600)
    with pytest.raises(SettingsError):
        by_identity(endpoint, identity, 5)


async def test_nothing_follows_a_redirect(service: Service, http: SignedHttp) -> None:
    """Neither the signature nor the body goes where someone says."""
    service.script = [307]

    assert (await http.send("PUT", "/table", {}, body=b"row")).status == 307
    assert len(service.requests) == 1


@pytest.mark.parametrize("promised", [4, 2**20])
async def test_a_body_that_breaks_off_is_no_answer(promised: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer bytes than the service has announced are asked for again, and never handed on."""
    monkeypatch.setattr(signed_http, "_WAITS", (0.0, 0.0, 0.0))
    asked = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        length = 3 if asked == 3 else promised
        writer.write(b"HTTP/1.1 206 Partial Content\r\nContent-Length: %d\r\n\r\none" % length)
        await writer.drain()
        writer.close()

    async with listening(talk) as url, SignedHttp(url, SharedAccessSignature(""), 5) as http:
        answer = await http.send("GET", "/c/b", {})

    assert (answer.body, answer.tries) == (b"one", 3)


async def test_a_service_that_reads_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that does not go out is as bad as an answer that does not come."""
    monkeypatch.setattr(signed_http, "_WAITS", ())
    monkeypatch.setattr(signed_http, "_SLOWEST", 2**30)
    ended = asyncio.Event()

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    async with listening(talk) as url, SignedHttp(url, SharedAccessSignature(""), 0.05) as http:
        with pytest.raises(NoAnswerError):
            async with asyncio.timeout(60):
                await http.send("PUT", "/c/b", {}, body=bytes(2**26))
        ended.set()


async def test_a_signature_goes_into_the_query(service: Service) -> None:
    """A shared access signature is added as it is."""
    async with SignedHttp(service.url, SharedAccessSignature("?sv=1&sig=a%2Bb"), 5) as http:
        await http.send("GET", "/table()", {}, query="$top=1")

    [(_, target, headers, _)] = service.requests
    assert target == "/account/table()?$top=1&sv=1&sig=a%2Bb"
    assert "authorization" not in headers


@pytest.mark.parametrize(
    "connection",
    [
        "nonsense",
        "AccountName=a",
        "AccountName=a;AccountKey=no base64",
        "AccountKey=a2V5",
        "TableEndpoint=https://a.example",
    ],
)
async def test_a_connection_string_that_opens_nothing_is_refused(connection: str) -> None:
    """Settings are at fault, and the message does not quote them."""
    with pytest.raises(SettingsError) as caught:
        by_connection_string(connection, "table", 5)

    assert "a2V5" not in str(caught.value)


async def test_endpoints_follow_from_the_account() -> None:
    """A connection string as Azure gives it names no endpoints."""
    connection = f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={KEY};EndpointSuffix=core.example"
    async with by_connection_string(connection, "blob", 5) as http:
        assert http.endpoint == "https://a.blob.core.example"


def test_what_is_signed() -> None:
    """The texts are those of the reference: eleven standard headers and our own for blobs, four lines for tables."""
    headers = {"x-ms-version": "v", "x-ms-date": "d", "if-none-match": "*", "content-length": "3"}

    assert blob_text("PUT", "/a/a/c/b", headers) == (
        "PUT\n\n\n3\n\n\n\n\n\n*\n\n\nx-ms-date:d\nx-ms-version:v\n/a/a/c/b"
    )
    assert table_text("GET", "/a/t()", {"x-ms-date": "d"}) == "GET\n\n\nd\n/a/t()"


async def test_a_signed_account_is_opened(azurite: str) -> None:
    """Azurite takes an account's shared access signature and refuses one that is altered."""
    said = parse_connection_string(azurite)
    signature = generate_account_sas(
        said["accountname"],
        said["accountkey"],
        ResourceTypes(service=True, container=True, object=True),
        AccountSasPermissions(read=True, write=True, list=True, create=True),
        datetime.now(UTC) + timedelta(hours=1),
        services=Services(blob=True),
    )
    endpoint = f"BlobEndpoint={said['blobendpoint']};"
    for sas, statuses in ((signature, {404}), (signature.replace("sig=", "sig=AA"), {403})):
        async with by_connection_string(f"{endpoint}SharedAccessSignature={sas}", "blob", 30) as http:
            assert {(await http.send("GET", "/nowhere/nothing", {})).status} == statuses
