"""HTTP trigger: the OpenAPI document of this app."""

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._dialect import DIALECTS
from functions._http import answers_errors, json_response
from functions._openapi.document import openapi_document
from functions._public_url import public_base_url

bp = func.Blueprint()


@bp.function_name("openapi")
@bp.route("openapi.json", methods=["GET"])
@answers_errors
async def openapi(req: Request) -> Response:
    """Return the document, with the address under which the client came."""
    settings = _wiring.settings()
    server_url = settings.public_url.rstrip("/") or public_base_url(req.headers, req.url.scheme)
    roots = [dialect.root for dialect in DIALECTS]
    access = settings.access
    return json_response(
        openapi_document(server_url, roots, needs_key=access == "function", needs_token=access == "entra")
    )
