"""The few words of ASGI that this host speaks, and its short answers; no framework."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localhost.bindings import Function

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One request, the function that answers it and its route parameters."""

    scope: Scope
    receive: Receive
    send: Send
    function: Function
    params: dict[str, str]


async def answer(send: Send, status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> None:
    """Send a short, whole answer."""
    body = text.encode()
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def answer_too_large(send: Send, limit: int) -> None:
    """Say that a request's body is larger than allowed, and which setting allows more."""
    setting = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
    await answer(send, 413, f"The request body is larger than {limit} bytes ({setting}).\n")


def declared_length(headers: list[tuple[bytes, bytes]]) -> tuple[int, bool]:
    """Read how a request announces its body.

    Returns:
        Its Content-Length in bytes (0 when absent) and whether it is chunked instead.
    """
    length, chunked = 0, False
    for name, value in headers:
        if name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            chunked = True
    return length, chunked
