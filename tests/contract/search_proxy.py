"""A loopback server before a search server, which answers bulk requests on cue. Holds no tests itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from tests.free_ports import free_ports
from tests.search_servers import SearchServer

type Item = tuple[str, bytes, bytes]
"""A document's id, its action and its source, each a line of a bulk request."""
type Cue = Callable[[Sequence[Item]], int | dict[str, int] | None]
"""Says how a bulk request is answered: by a status, by the statuses of some of its documents, or as it should be."""


@dataclass(slots=True)
class SearchProxy:
    """What was asked, and how it is to be answered."""

    behind: SearchServer
    url: str
    cue: Cue = lambda _items: None
    asked: list[list[str]] = field(default_factory=list)
    """The ids of each bulk request."""
    items_left_out: int = 0
    """Of the end of each answer to a bulk request."""

    @property
    def server(self) -> SearchServer:
        """Say how a client is made that asks here."""
        return SearchServer(self.url, self.behind.client_options, self.behind.options)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer on cue, else as the server behind does."""
        body = await request.read()
        if not request.path.endswith("/_bulk"):
            return await self._passed_on(request, body)
        lines = body.splitlines()
        items = [
            (str(orjson.loads(action)["index"]["_id"]), action, source)
            for action, source in zip(lines[::2], lines[1::2], strict=True)
        ]
        self.asked.append([one for one, _, _ in items])
        cued = self.cue(items)
        if isinstance(cued, int):
            return _json({"error": {"type": "on_cue"}, "status": cued}, cued)
        refused = cued or {}
        rest = [(one, action, source) for one, action, source in items if one not in refused]
        answered: list[Any] = []
        if rest:
            kept = b"".join(action + b"\n" + source + b"\n" for _, action, source in rest)
            answer = await self._passed_on(request, kept)
            assert isinstance(answer.body, bytes)
            answered = orjson.loads(answer.body)["items"]
        answered += [
            {"index": {"_id": one, "status": status, "error": {"type": "on_cue", "reason": "secret value"}}}
            for one, status in refused.items()
        ]
        order = [one for one, _, _ in items]
        answered.sort(key=lambda item: order.index(item["index"]["_id"]))
        errors = any(item["index"]["status"] >= 400 for item in answered) or self.items_left_out > 0
        return _json(
            {"took": 1, "errors": errors, "items": answered[: len(answered) - self.items_left_out]}, 200
        )

    async def _passed_on(self, request: web.Request, body: bytes) -> web.Response:
        url = f"{self.behind.url}{request.rel_url}"
        media = "application/x-ndjson" if request.path.endswith("/_bulk") else "application/json"
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method, url, data=body or None, headers={"Content-Type": media}
            ) as answer,
        ):
            content = await answer.read()
            return web.Response(body=content, status=answer.status, headers=_HEADERS)


_HEADERS = {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json"}


def _json(content: Any, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, headers=_HEADERS)


@asynccontextmanager
async def search_proxy(behind: SearchServer) -> AsyncIterator[SearchProxy]:
    """Run one before a server."""
    port = free_ports(1)
    proxy = SearchProxy(behind, f"http://127.0.0.1:{port}")
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", proxy.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield proxy
    finally:
        await runner.cleanup()
