"""HTTP trigger: is everything that this app depends on there?"""

from http import HTTPStatus

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._http import answers_errors, json_response
from shared.services.connection_check import SEARCH_INDEX, UPSTREAM

bp = func.Blueprint()


@bp.function_name("health")
@bp.route("health", methods=["GET"])
@answers_errors
async def health(req: Request) -> Response:
    """Answer at the path of this app; where callers bear tokens, without what it depends on, for this needs none."""
    return await check_health(req, tells_all=_wiring.settings().access != "entra")


@bp.function_name("health_check")
@bp.route("health/check", methods=["GET"])
@answers_errors
async def health_check(req: Request) -> Response:
    """Answer at the path that the Azure DICOM service has."""
    return await check_health(req)


async def check_health(req: Request, *, tells_all: bool = True) -> Response:
    """Answer 200 if every dependency answers that requests cannot do without, else 503; the body says what is wrong.

    That is "no such table" (or container, or queue), "denied" or "unreachable", each of which asks for something else.
    Without the search index only searches by it fail, without an upstream service only what is forwarded: either makes
    the status "degraded", with 200, for an app that is taken out of rotation would do nothing else either.
    """
    checks = await _wiring.connections()
    failing = [name for name, state in checks.items() if state != "ok"]
    status = HTTPStatus.OK if set(failing) <= {SEARCH_INDEX, UPSTREAM} else HTTPStatus.SERVICE_UNAVAILABLE
    content: dict[str, object] = {"status": "degraded" if failing else "ok"}
    if tells_all:
        content["dependencies"] = checks
    return json_response(content, status=status, headers={"Cache-Control": "no-store"})
