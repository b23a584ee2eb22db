"""HTTP trigger: clinical cases."""

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._dialect import STANDARD
from functions._dicomweb import service_url
from functions._http import answers_errors, json_response
from shared.errors import InvalidQueryError
from shared.flows.get_case import CasePorts
from shared.flows.get_case import get_case as put_case_together

bp = func.Blueprint()


@bp.function_name("get_case")
@bp.route("cases/{year}/{id}", methods=["GET"])
@answers_errors
async def get_case(req: Request) -> Response:
    """Answer a case: its views with their URLs, its report, and what is missing."""
    strict = req.query_params.get("strict", "false").lower()
    if strict not in ("true", "false"):
        raise InvalidQueryError("strict must be true or false")
    services = await _wiring.services()
    case = await put_case_together(
        req.path_params["year"],
        req.path_params["id"],
        service_url=service_url(req, STANDARD, services.settings),
        ports=CasePorts(services.cases, services.reports, services.index),
        strict=strict == "true",
    )
    return json_response(case)
