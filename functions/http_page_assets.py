"""HTTP trigger: styles and scripts of the pages. They hold no data, so nobody needs a key for them."""

import functools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions._conditional import conditional_response
from functions._http import answers_errors
from shared.errors import NotFoundError

bp = func.Blueprint()

_FOLDER: Final = Path(__file__).parent / "assets"
_MEDIA_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_HEADERS: Final = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}


@bp.function_name("page_asset")
@bp.route("ui/{name}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_errors
async def page_asset(req: Request) -> Response:
    """Answer one file of the folder `assets`."""
    name = req.path_params["name"]
    content = _assets().get(name)
    if content is None:
        raise NotFoundError("the pages have no such file")
    media_type = _MEDIA_TYPES[Path(name).suffix]
    return await conditional_response(req, _once(content), media_type=media_type, headers=_HEADERS)


@functools.cache
def _assets() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.suffix in _MEDIA_TYPES}


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
