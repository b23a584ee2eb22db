"""Let pages of the origins that are set read this app's answers. In Azure the platform can do it in the app's stead.

Where the platform's own CORS setting names origins, it answers preflights itself and adds the headers: set one of the
two, not both.
"""

from collections.abc import Collection
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

ANY: Final = "*"
EXPOSED_HEADERS: Final = (
    "Accept-Ranges, Content-Disposition, Content-Location, Content-Range, ETag, Link, Location, Retry-After,"
    " Warning, WWW-Authenticate, X-Total-Count, X-Upstream-Status"
)
"""What a script may read of an answer beside the headers that it always may."""
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Accept, Authorization, Content-Type, If-Match, If-None-Match, If-Range, Prefer, Range, traceparent, x-functions-key"
    ),
    "Access-Control-Max-Age": "7200",
}


def allow_origin(req: Request, response: Response, origins: Collection[str]) -> Response:
    """Add to *response* what lets a page of an allowed origin read it; to others it stays closed.

    Args:
        req: The request.
        response: Its answer.
        origins: Such as "https://viewer.example", or "*" for all; empty for none.

    Source: WHATWG Fetch §3.2, CORS protocol
    """
    if not origins:
        return response
    if ANY not in origins and "Origin" not in response.headers.get("Vary", ""):
        # Caches in between must not give one origin's answer to another.
        response.headers.add_vary_header("Origin")
    origin = req.headers.get("origin", "")
    if origin and (origin in origins or ANY in origins):
        response.headers["Access-Control-Allow-Origin"] = ANY if ANY in origins else origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    return response


def preflight(req: Request, origins: Collection[str]) -> Response:
    """Answer the question that a browser asks before it sends a request to another origin.

    Source: WHATWG Fetch §3.2.2
    """
    response = allow_origin(req, Response(status_code=204), origins)
    if "Access-Control-Allow-Origin" in response.headers:
        response.headers.update(_PREFLIGHT)
    return response
