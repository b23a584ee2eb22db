"""Streams HTTP between a client and the worker's own server; it never holds a body whole."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import TYPE_CHECKING, Any

from localhost.asgi import answer, answer_too_large, declared_length
from localhost.protos import RpcHttp, TypedData
from localhost.upstream import ExchangeError, Upstream, UpstreamPool, request_head

if TYPE_CHECKING:
    from localhost.asgi import HttpCall, Receive, Scope
    from localhost.invoker import Invoker

_log = logging.getLogger("localhost")
# x-ms-invocation-id is ours to give: a client that sends it would be taken for another's invocation and hang.
_FORWARDED = frozenset({b"forwarded", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto"})
"""By which a proxy before this host has said already where clients find it."""
_NOT_FORWARDED = frozenset(
    {
        b"connection",
        b"expect",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"transfer-encoding",
        b"upgrade",
        b"x-ms-invocation-id",
    }
)
_NOT_RETURNED = frozenset({b"connection", b"keep-alive", b"transfer-encoding"})
# Most answers are complete sooner; only then is a task spent on watching for the client's leave.
_WATCH_AFTER = 0.05


class ClientGoneError(ExchangeError):
    """The client closed its connection."""


class BodyTooLargeError(ExchangeError):
    """A body without Content-Length grew over the limit."""


class InvocationDiedError(ExchangeError):
    """The invocation ended before its HTTP request reached the function."""


class StreamingProxy:
    """Forwards requests to the worker's server, each beside the invocation that answers it."""

    def __init__(self, invoker: Invoker, address: tuple[str, int], body_limit: int) -> None:
        self._invoker = invoker
        self._pool = UpstreamPool(address)
        self._limit = body_limit

    def close(self) -> None:
        """Close kept connections."""
        self._pool.close()

    async def serve(self, call: HttpCall) -> None:
        """Answer one request."""
        started = time.perf_counter()
        length, chunked = declared_length(call.scope["headers"])
        if length > self._limit:
            outcome: int | str = 413
            await answer_too_large(call.send, self._limit)
        else:
            outcome = await self._exchange(call, has_body=length > 0 or chunked, chunked=chunked)
        _log.info("%s %s %.0f ms", call.function.name, outcome, (time.perf_counter() - started) * 1000)

    async def _exchange(self, call: HttpCall, *, has_body: bool, chunked: bool) -> int | str:
        try:
            upstream = await self._pool.acquire()
        except ExchangeError as error:
            await answer(call.send, 500, f"{error}\n")
            return 500
        invocation_id = str(uuid.uuid4())
        is_head = call.scope["method"] == "HEAD"
        upstream.begin(_head(call.scope, invocation_id, chunked=chunked), is_head=is_head)
        invocation = self._invoke(call, invocation_id)

        def on_done(done: asyncio.Task[Any]) -> None:
            error = None if done.cancelled() else done.exception()
            if isinstance(error, Exception):
                self._invoker.mourn(invocation_id, error)
                upstream.fail(InvocationDiedError(f"the invocation died: {error}"))

        invocation.add_done_callback(on_done)
        client = _ClientSide(call.receive, upstream, self._limit, chunked=chunked)
        client.start(has_body=has_body)
        try:
            return await self._relay(call, upstream)
        finally:
            # The connection may serve another client while this invocation still writes its outputs.
            invocation.remove_done_callback(on_done)
            if client.close() and upstream.reusable:
                self._pool.release(upstream)
            else:
                upstream.abort()
                if not invocation.done():
                    self._invoker.reap(invocation_id, invocation)

    def _invoke(self, call: HttpCall, invocation_id: str) -> asyncio.Task[Any]:
        headers = call.scope["headers"]
        trace_parent = next(
            (value.decode("latin-1") for name, value in headers if name == b"traceparent"), ""
        )
        data = TypedData(http=RpcHttp(params=call.params))
        return self._invoker.start_http(call.function, invocation_id, data, trace_parent)

    async def _relay(self, call: HttpCall, upstream: Upstream) -> int | str:
        """Pass the worker's answer on to the client, as fast as the client takes it, and say what came of it."""
        send, started = call.send, False
        try:
            status = await upstream.head()
            headers = [header for header in upstream.headers if header[0] not in _NOT_RETURNED]
            started = True
            await send({"type": "http.response.start", "status": status, "headers": headers})
            while data := await upstream.read():
                await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            return status
        except BodyTooLargeError:
            if not started:
                await answer_too_large(send, self._limit)
            return 413
        except ClientGoneError:
            return "client left"
        except ExchangeError as error:
            _log.error("%s: %s", call.function.name, error)
            if not started:
                await answer(send, 500, "The function could not answer; see the host's log.\n")
            return 500
        except asyncio.CancelledError:
            return "cut short by the stop"


def _head(scope: Scope, invocation_id: str, *, chunked: bool) -> bytes:
    headers = [header for header in scope["headers"] if header[0] not in _NOT_FORWARDED]
    headers.append((b"x-ms-invocation-id", invocation_id.encode("ascii")))
    if (server := scope.get("server")) and not any(name in _FORWARDED for name, _ in headers):
        # Some clients, dicomweb-client among them, leave the port out of Host.
        headers.append((b"x-forwarded-port", str(server[1]).encode("ascii")))
    if chunked:
        headers.append((b"transfer-encoding", b"chunked"))
    query = scope["query_string"]
    target = scope["raw_path"] + b"?" + query if query else scope["raw_path"]
    return request_head(scope["method"], target, headers)


class _ClientSide:
    """Passes the client's body on to the worker, then watches for the client's leave."""

    def __init__(self, receive: Receive, upstream: Upstream, limit: int, *, chunked: bool) -> None:
        self._receive = receive
        self._upstream = upstream
        self._limit = limit
        self._chunked = chunked
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._body_sent = False

    def start(self, *, has_body: bool) -> None:
        """Begin, at once where there is a body to pass on."""
        if has_body:
            self._begin()
        else:
            self._body_sent = True
            self._timer = asyncio.get_running_loop().call_later(_WATCH_AFTER, self._begin)

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        total = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                if not self._upstream.complete or not self._body_sent:
                    self._upstream.fail(ClientGoneError())
                return
            if self._body_sent:
                continue
            total += len(message["body"])
            if total > self._limit:
                self._upstream.fail(BodyTooLargeError())
                return
            self._pass_on(message["body"], last=not message["more_body"])
            await self._upstream.drain()

    def _pass_on(self, body: bytes, *, last: bool) -> None:
        if not self._chunked:
            self._upstream.write(body)
        elif body:
            self._upstream.write(b"%x\r\n%b\r\n%b" % (len(body), body, b"0\r\n\r\n" if last else b""))
        elif last:
            self._upstream.write(b"0\r\n\r\n")
        self._body_sent = last

    def close(self) -> bool:
        """Stop, and tell whether the whole body was passed on."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        return self._body_sent
