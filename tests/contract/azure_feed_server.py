"""The change feed of the Azure DICOM service as its documentation has it, on loopback: entries, paging, errors.

Source: "Change Feed Overview" and "API versioning changes", Azure DICOM service documentation.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from aiohttp import web

from shared.dicom.references import InstanceRef
from tests.free_ports import free_ports


class AzureFeedServer:
    """Entries with sequences that may have gaps, and times that may be the same."""

    def __init__(self) -> None:
        self.port = free_ports(1)
        self.entries: list[dict[str, Any]] = []
        self.sequence = 0
        self.status = 200
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        """Its root, without version."""
        return f"http://127.0.0.1:{self.port}"

    def add(
        self,
        ref: InstanceRef,
        *,
        action: str = "create",
        state: str = "current",
        gap: int = 0,
        time: str = "",
    ) -> None:
        """Append an entry, behind *gap* sequences that there are no entries of."""
        self.sequence += 1 + gap
        self.entries.append(
            {
                "Sequence": self.sequence,
                "StudyInstanceUid": ref.study_instance_uid,
                "SeriesInstanceUid": ref.series_instance_uid,
                "SopInstanceUid": ref.sop_instance_uid,
                "Action": action,
                "Timestamp": time or f"2024-02-29T10:15:{self.sequence % 60:02}.7654321Z",
                "State": state,
                "Metadata": {},
            }
        )

    async def page(self, request: web.Request) -> web.Response:
        """Answer a page."""
        self.requests.append(request.path_qs)
        if self.status != 200:
            return web.json_response("You do not have access.", status=self.status)
        query = request.query
        version = request.match_info["version"]
        offset = int(query.get("offset", "0"))
        limit = int(query.get("limit", "10" if version == "v1" else "100"))
        if not 1 <= limit <= (100 if version == "v1" else 200):
            return web.json_response({"title": "limit"}, status=400)
        if version == "v1":
            found = [one for one in self.entries if offset < one["Sequence"] <= offset + limit]
        else:
            start = query.get("startTime")
            since = [one for one in self.entries if not start or _time(one["Timestamp"]) >= _time(start)]
            found = since[offset : offset + limit]
        return web.json_response(found)

    async def latest(self, request: web.Request) -> web.Response:
        """Answer the newest entry."""
        self.requests.append(request.path_qs)
        if not self.entries:
            return web.Response(status=204)
        return web.json_response(self.entries[-1])


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


@asynccontextmanager
async def azure_feed_server() -> AsyncIterator[AzureFeedServer]:
    """Listen on loopback."""
    server = AzureFeedServer()
    app = web.Application()
    app.router.add_get("/{version:v[12]}/changefeed", server.page)
    app.router.add_get("/{version:v[12]}/changefeed/latest", server.latest)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", server.port).start()
    try:
        yield server
    finally:
        await runner.cleanup()
