"""HTTP for apps without the streaming extension: body and answer are whole, as the real host does it."""

from __future__ import annotations

import logging
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from localhost.asgi import answer, answer_too_large, declared_length
from localhost.invoker import log_failure
from localhost.protos import RpcHttp, StatusResult, TypedData

if TYPE_CHECKING:
    from localhost.asgi import HttpCall, Receive
    from localhost.invoker import Invoker
    from localhost.protos import RpcHttpCookie

_log = logging.getLogger("localhost")
_SAME_SITE = {1: "lax", 2: "strict", 3: "none"}


class ClassicHttp:
    """Answers requests through messages only."""

    def __init__(self, invoker: Invoker, body_limit: int) -> None:
        self._invoker = invoker
        self._limit = body_limit

    def close(self) -> None:
        """Nothing is kept open."""

    async def serve(self, call: HttpCall) -> None:
        """Answer one request."""
        started = time.perf_counter()
        length, _ = declared_length(call.scope["headers"])
        body = await _read_body(call.receive, self._limit) if length <= self._limit else None
        if body is None:
            await answer_too_large(call.send, self._limit)
            return
        data = TypedData(http=_request(call, body))
        result = await self._invoker.start_http(call.function, str(uuid.uuid4()), data, "")
        elapsed = (time.perf_counter() - started) * 1000
        if result is None or result.result.status != StatusResult.Success:
            log_failure(call.function.name, elapsed, result)
            await answer(call.send, 500, "")
            return
        status, headers, content = _response(result.return_value)
        headers.append((b"content-length", str(len(content)).encode()))
        await call.send({"type": "http.response.start", "status": status, "headers": headers})
        await call.send({"type": "http.response.body", "body": content})
        _log.info("%s %s %.0f ms", call.function.name, status, elapsed)


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    """Read a whole body, or None once it is longer than `limit` bytes."""
    parts, total, more = [], 0, True
    while more:
        message = await receive()
        part, more = message.get("body", b""), message.get("more_body", False)
        total += len(part)
        if total > limit:
            return None
        parts.append(part)
    return b"".join(parts)


def _request(call: HttpCall, body: bytes) -> RpcHttp:
    scope = call.scope
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name != b"x-ms-invocation-id":
            key, text = name.decode("latin-1"), value.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
    query = scope["query_string"].decode("latin-1")
    url = f"{scope['scheme']}://{headers.get('host', 'localhost')}{scope['raw_path'].decode('latin-1')}"
    return RpcHttp(
        method=scope["method"],
        url=f"{url}?{query}" if query else url,
        headers=headers,
        params=call.params,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        body=TypedData(bytes=body) if body else TypedData(),
    )


def _response(value: TypedData | None) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    if value is None or value.kind != "http":
        plain = [(b"content-type", b"text/plain; charset=utf-8")]
        return (200, plain, _content(value)) if value is not None else (204, [], b"")
    http: RpcHttp = value.value
    headers = [
        (name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in http.headers.items()
    ]
    headers = [header for header in headers if header[0] not in {b"content-length", b"transfer-encoding"}]
    headers += [(b"set-cookie", _set_cookie(cookie).encode("latin-1")) for cookie in http.cookies or []]
    return int(http.status_code), headers, _content(http.body)


def _content(value: TypedData | None) -> bytes:
    content: Any = value.value if value is not None else None
    if content is None:
        return b""
    return content if isinstance(content, bytes) else str(content).encode()


def _set_cookie(cookie: RpcHttpCookie) -> str:
    from email.utils import formatdate

    words = [f"{cookie.name}={cookie.value}"]
    words += [
        f"{name}={field.value}"
        for name, field in (("Domain", cookie.domain), ("Path", cookie.path))
        if field and field.value
    ]
    if cookie.expires:
        words.append(f"Expires={formatdate(cookie.expires.value.seconds, usegmt=True)}")
    if cookie.max_age:
        words.append(f"Max-Age={int(cookie.max_age.value)}")
    words += [
        name
        for name, field in (("Secure", cookie.secure), ("HttpOnly", cookie.http_only))
        if field and field.value
    ]
    if cookie.same_site in _SAME_SITE:
        words.append(f"SameSite={_SAME_SITE[cookie.same_site]}")
    return "; ".join(words)
