"""HTTP trigger: what browsers ask before a request to another origin, for every path."""

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _cors, _wiring
from functions._http import answers_errors

bp = func.Blueprint()


# A browser sends no key with this question, and the answer holds nothing but settings.
@bp.function_name("preflight")
@bp.route("{*path}", methods=["OPTIONS"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_errors
async def preflight(req: Request) -> Response:
    """Say which methods and headers an allowed origin may use."""
    return _cors.preflight(req, _wiring.settings().cors_origins)
