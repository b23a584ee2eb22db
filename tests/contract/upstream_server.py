"""A server on loopback that answers as it is told, down to the bytes: an upstream service that may be hostile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.free_ports import free_ports

type Respond = Callable[["Received", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Received:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class RawServer:
    """Notes every request and lets *respond* write the answer."""

    respond: Respond
    port: int = 0
    requests: list[Received] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request of a connection and end it."""
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            received = await _read(reader)
            self.requests.append(received)
            await self.respond(received, writer)
            await writer.drain()
        with contextlib.suppress(ConnectionError):
            writer.close()


@asynccontextmanager
async def raw_server(respond: Respond, port: int = 0) -> AsyncIterator[RawServer]:
    """Listen on loopback."""
    server = RawServer(respond, port or free_ports(1))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", server.port)
    try:
        yield server
    finally:
        listening.close()
        listening.close_clients()


def answering(
    status: int = 200, body: bytes = b"[]", content_type: str = "application/dicom+json", **headers: str
) -> Respond:
    """Answer every request so."""

    async def respond(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(response(status, body, content_type, **headers))

    return respond


def response(
    status: int = 200, body: bytes = b"[]", content_type: str = "application/dicom+json", **headers: str
) -> bytes:
    """Return the bytes of an answer."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"Content-Type: {content_type}"] if content_type else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    received = Received(method, target, headers)
    if "content-length" in headers:
        received.body = await reader.readexactly(int(headers["content-length"]))
    while headers.get("transfer-encoding") == "chunked":
        size = int((await reader.readline()).strip(), 16)
        received.body += (await reader.readexactly(size + 2))[:-2]
        if not size:
            break
    return received
