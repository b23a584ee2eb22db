"""Make requests as the worker hands them to a handler, and read what a handler answers. No sockets."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message


def make_request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    route: Mapping[str, str] | None = None,
    body: Iterable[bytes] = (),
    disconnect: bool = False,
) -> Request:
    """Build a request; *body* comes in these pieces, and with *disconnect* the client leaves after them."""
    parts = urlsplit(url)
    all_headers = {"host": "testserver", **(headers or {})}
    scope = {
        "type": "http",
        "method": method,
        "path": parts.path,
        "query_string": parts.query.encode(),
        "scheme": "http",
        "server": ("testserver", 80),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in all_headers.items()],
        "path_params": dict(route or {}),
    }
    messages = _messages(list(body), disconnect=disconnect)
    return Request(scope, lambda: anext(messages))


async def _messages(body: list[bytes], *, disconnect: bool) -> AsyncIterator[Message]:
    for piece in body:
        yield {"type": "http.request", "body": piece, "more_body": True}
    if disconnect:
        yield {"type": "http.disconnect"}
    yield {"type": "http.request", "body": b"", "more_body": False}


class Answer:
    """What a client would have received of a response."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.complete = False

    @property
    def json(self) -> Any:
        """The body, parsed."""
        import orjson

        return orjson.loads(self.body)


async def receive_answer(response: Response, *, leave_after: int | None = None) -> Answer:
    """Take *response* as an ASGI server would; with *leave_after* the client is gone after that many body messages."""
    answer = Answer()
    received = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal received
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
            return
        if leave_after is not None and received >= leave_after:
            raise OSError("the client has gone")
        received += 1
        answer.body += message.get("body", b"")
        answer.complete = not message.get("more_body", False)

    await response({"type": "http", "asgi": {"spec_version": "2.4"}, "method": "GET"}, receive, send)
    return answer
