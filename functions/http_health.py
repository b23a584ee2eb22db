"""HTTP trigger: is everything that this app depends on there?"""

from http import HTTPStatus

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._http import answers_errors, json_response

bp = func.Blueprint()


@bp.function_name("health")
@bp.route("health", methods=["GET"])
@answers_errors
async def health(req: Request) -> Response:
    """Answer at the path of this app."""
    return await check_health(req)


@bp.function_name("health_check")
@bp.route("health/check", methods=["GET"])
@answers_errors
async def health_check(req: Request) -> Response:
    """Answer at the path that the Azure DICOM service has."""
    return await check_health(req)


async def check_health(req: Request) -> Response:  # noqa: ARG001 - every handler is given it
    """Answer 200 if every dependency answers, else 503; the body says of each what is wrong with it.

    That is "no such table" (or container, or queue), "denied" or "unreachable", each of which asks for something else.
    """
    checks = await _wiring.connections()
    is_healthy = all(state == "ok" for state in checks.values())
    status = HTTPStatus.OK if is_healthy else HTTPStatus.SERVICE_UNAVAILABLE
    content = {"status": "ok" if is_healthy else "degraded", "dependencies": checks}
    return json_response(content, status=status, headers={"Cache-Control": "no-store"})
