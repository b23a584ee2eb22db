"""The proxy when the other side misbehaves: an answer always comes, nothing hangs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from localhost.asgi import HttpCall
from localhost.bindings import Function
from localhost.proxy import StreamingProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping

    from localhost.invoker import Invoker

pytestmark = pytest.mark.host

Answer = bytes | None


class _FakeInvoker:
    """An invocation that fails at once, or never ends."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.mourned: list[Exception] = []
        self.reaped: list[asyncio.Task[Any]] = []

    def start_http(self, *_: object) -> asyncio.Task[None]:
        async def run() -> None:
            if self.error is not None:
                raise self.error
            await asyncio.sleep(60)

        return asyncio.create_task(run())

    def mourn(self, _invocation_id: str, error: Exception) -> None:
        self.mourned.append(error)

    def reap(self, _invocation_id: str, task: asyncio.Task[Any]) -> None:
        self.reaped.append(task)
        task.cancel()


@pytest.fixture
async def worker() -> AsyncIterator[Callable[[Answer], Awaitable[tuple[str, int]]]]:
    """Give a function that starts a server which answers each connection with fixed bytes, then closes, or never does."""
    servers: list[asyncio.Server] = []

    async def start(answer: Answer) -> tuple[str, int]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
            writer.close()

        servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
        host, port = servers[-1].sockets[0].getsockname()
        return host, port

    yield start
    for server in servers:
        server.close()


async def _ask(
    address: tuple[str, int], invoker: _FakeInvoker, *, leave: bool = False
) -> list[MutableMapping[str, Any]]:
    return await _ask_of(StreamingProxy(cast("Invoker", invoker), address, 1000), leave=leave)


async def _ask_of(proxy: StreamingProxy, *, leave: bool = False) -> list[MutableMapping[str, Any]]:
    sent: list[MutableMapping[str, Any]] = []
    gone = asyncio.Event()
    if leave:
        gone.set()

    async def receive() -> MutableMapping[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"method": "GET", "raw_path": b"/a", "query_string": b"", "headers": [(b"host", b"x")]}
    function = Function("f", "id", {"type": "httpTrigger", "name": "req"})
    await asyncio.wait_for(proxy.serve(HttpCall(scope, receive, send, function, {})), 10)
    return sent


async def test_an_invocation_that_dies_early_is_answered_500(
    worker: Callable[[Answer], Awaitable[tuple[str, int]]],
) -> None:
    """The worker would wait for ever for an invocation that is dead; the client gets 500 and the worker is told."""
    invoker = _FakeInvoker(KeyError("no context"))
    sent = await _ask(await worker(None), invoker)
    assert sent[0]["status"] == 500
    assert [str(error) for error in invoker.mourned] == ["'no context'"]


async def test_a_client_that_leaves_is_not_answered(
    worker: Callable[[Answer], Awaitable[tuple[str, int]]],
) -> None:
    """When the client leaves while the worker is silent the exchange ends, and its invocation is looked after."""
    invoker = _FakeInvoker(None)
    assert await _ask(await worker(None), invoker, leave=True) == []
    assert len(invoker.reaped) == 1


@pytest.mark.parametrize(
    "answer",
    [b"", b"no http at all\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-le"],
    ids=["nothing", "garbage", "torn head"],
)
async def test_a_worker_that_answers_badly_gives_500(
    worker: Callable[[Answer], Awaitable[tuple[str, int]]], answer: bytes
) -> None:
    """What is no answer becomes one of the host's own."""
    assert (await _ask(await worker(answer), _FakeInvoker(None)))[0]["status"] == 500


async def test_a_torn_body_is_not_completed(worker: Callable[[Answer], Awaitable[tuple[str, int]]]) -> None:
    """A body that ends early is passed on as far as it came, and not marked as whole."""
    sent = await _ask(await worker(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nsome"), _FakeInvoker(None))
    assert [message.get("body") for message in sent] == [None, b"some"]
    assert sent[-1]["more_body"] is True


async def test_an_invocation_that_fails_late_harms_no_other_request() -> None:
    """A connection that already carries the next request is not closed by the end of the last one's invocation."""
    release = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for wait in (False, True):
            await reader.readuntil(b"\r\n\r\n")
            if wait:
                await release.wait()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    class LateInvoker(_FakeInvoker):
        def start_http(self, *_: object) -> asyncio.Task[None]:
            async def run() -> None:
                await asyncio.sleep(0.2)
                raise OSError("output")

            return asyncio.create_task(run())

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        first, second = LateInvoker(None), _FakeInvoker(None)
        proxy = StreamingProxy(cast("Invoker", first), (host, port), 1000)
        assert (await _ask_of(proxy))[0]["status"] == 200
        proxy._invoker = cast("Invoker", second)
        asking = asyncio.create_task(_ask_of(proxy))
        await asyncio.sleep(0.4)
        release.set()
        assert (await asking)[0]["status"] == 200
    assert first.mourned == []


async def test_no_worker_at_all_gives_500() -> None:
    """A worker that does not listen is told to the client."""
    assert (await _ask(("127.0.0.1", 1), _FakeInvoker(None)))[0]["status"] == 500
