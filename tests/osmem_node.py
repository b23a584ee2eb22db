"""Let the official client talk to osmem-server, which speaks plain JSON only. For tests; the product knows none of it."""

from __future__ import annotations

from typing import Any

from elastic_transport import AiohttpHttpNode, HttpHeaders


class OsmemNode(AiohttpHttpNode):
    """Sends media types without the vendor's part: osmem-server refuses `application/vnd.elasticsearch+json`."""

    async def perform_request(self, method: str, target: str, **options: Any) -> Any:  # type: ignore[override]  # passed on as it is
        headers = HttpHeaders(options.pop("headers", None) or {})
        for name in ("accept", "content-type"):
            if name in headers:
                headers[name] = headers[name].replace("vnd.elasticsearch+", "").split(";")[0]
        return await super().perform_request(method, target, headers=headers, **options)
