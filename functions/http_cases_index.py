"""HTTP trigger: index the clinical cases of the watched containers."""

from dataclasses import asdict
from http import HTTPStatus

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._case_conditions import MAX_SECONDS, flag, number
from functions._http import answers_errors, json_response
from functions._index import index_ports
from shared.flows.index_cases import CaseIndexingPorts
from shared.flows.index_cases import index_cases as index_all

bp = func.Blueprint()


@bp.function_name("index_cases")
@bp.route("cases/index", methods=["POST"])
@answers_errors
async def index_cases(req: Request) -> Response:
    """Answer 200 with the counts when all is indexed, else 202: the same request again goes on from there."""
    seconds = number(req, "seconds", 100, most=MAX_SECONDS)
    restart = flag(req, "restart") or False
    services = await _wiring.services()
    ports = CaseIndexingPorts(
        index_ports(services), services.checkpoints, services.settings.watched_containers
    )
    state = await index_all(ports, seconds=seconds, restart=restart)
    content = {"done": state.done, **asdict(state.counts)}
    if state.done:
        return json_response(content)
    content["next"] = "POST /cases/index goes on from here; POST /cases/index?restart=true begins anew"
    return json_response(content, status=HTTPStatus.ACCEPTED)
