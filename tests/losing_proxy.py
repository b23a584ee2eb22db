"""A proxy on loopback that loses answers: what was asked for is done, and nobody is told. Holds no tests itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_REQUEST = re.compile(rb"(GET|HEAD|PUT|POST|DELETE) (\S+) HTTP/1\.1\r\n")
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
"""What stands between may say when the service took too long."""
_CONTINUE = b"HTTP/1.1 100"


@dataclass
class LosingProxy:
    """Passes bytes on both ways, but for the answers that it is told to lose.

    Attributes:
        port: Where it listens.
        requests: "METHOD target" of all that were passed on.
        loses: Tells of a request whether its answer is to be lost; asked once for each.
        instead: What the client gets in place of a lost answer, before the connection ends.
    """

    upstream: int
    port: int = 0
    requests: list[str] = field(default_factory=list)
    loses: Callable[[str], bool] = lambda _: False
    instead: bytes = b""

    def lose_first(self, *beginnings: str) -> None:
        """Lose the answer to the first request that begins with each of these."""
        left = list(beginnings)

        def loses(request: str) -> bool:
            for beginning in left:
                if request.startswith(beginning):
                    left.remove(beginning)
                    return True
            return False

        self.requests.clear()
        self.loses = loses

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        loses = False

        async def ask() -> None:
            nonlocal loses
            while data := await reader.read(65536):
                if found := _REQUEST.match(data):
                    request = f"{found[1].decode()} {found[2].decode()}"
                    self.requests.append(request)
                    loses = self.loses(request)
                their_writer.write(data)
                await their_writer.drain()

        async def answer() -> None:
            while data := await their_reader.read(65536):
                if loses and not data.startswith(_CONTINUE):
                    writer.write(self.instead)
                    await writer.drain()
                    return
                writer.write(data)
                await writer.drain()

        tasks = [asyncio.create_task(ask()), asyncio.create_task(answer())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            writer.close()
            their_writer.close()


@asynccontextmanager
async def losing_proxy(upstream: int) -> AsyncIterator[LosingProxy]:
    """Run a proxy before the port *upstream* of loopback."""
    proxy = LosingProxy(upstream)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
