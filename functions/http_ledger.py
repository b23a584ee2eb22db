"""HTTP triggers: what reconciling has found, one more slice of it, and where an object is and why.

The answers name objects, which may be named after patients: they are for who may call, and in no log.
"""

from http import HTTPStatus

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._case_conditions import MAX_SECONDS, flag, number
from functions._http import answers_errors, json_response
from functions._reindex import reindex_ports
from functions._subject import services_of
from shared.flows.find_object import FindPorts, find_object
from shared.flows.reindex import reindex as run
from shared.flows.report_drift import report_drift
from shared.records import ObjectKey
from shared.services.services import Services

bp = func.Blueprint()


@bp.function_name("drift_report")
@bp.route("ledger", methods=["GET"])
@answers_errors
async def drift_report(req: Request) -> Response:
    """Answer the report of the pass on its way and of the last one that was finished."""
    return json_response(await report_drift((await _wiring.services()).checkpoints))


@bp.function_name("reindex_now")
@bp.route("ledger/reindex", methods=["POST"])
@answers_errors
async def reindex_now(req: Request) -> Response:
    """Answer 200 with the report when all is reconciled, else 202: the same request again goes on from there."""
    state = await run(
        await reindex_ports(),
        seconds=number(req, "seconds", 100, most=MAX_SECONDS),
        restart=flag(req, "restart") or False,
        force=flag(req, "force") or False,
    )
    if state.done:
        return json_response(state.report())
    following = "POST /ledger/reindex goes on from here; POST /ledger/reindex?restart=true begins anew"
    return json_response(state.report() | {"next": following}, status=HTTPStatus.ACCEPTED)


@bp.function_name("ledger_of_instance")
@bp.route("ledger/{uid}", methods=["GET"])
@answers_errors
async def ledger_of_instance(req: Request) -> Response:
    """Answer every object that holds the SOP instance, what serves it first."""
    services = await services_of(req)
    return json_response({"objects": await find_object(req.path_params["uid"], _ports(services))})


@bp.function_name("ledger_of_object")
@bp.route("ledger/{container}/{*name}", methods=["GET"])
@answers_errors
async def ledger_of_object(req: Request) -> Response:
    """Answer where an object is, its state and why, whose bytes it holds, and whether the index has it."""
    services = await services_of(req)
    key = ObjectKey(req.path_params["container"], req.path_params["name"])
    [facts] = await find_object(key, _ports(services))
    return json_response(facts)


def _ports(services: Services) -> FindPorts:
    return FindPorts(
        objects=services.objects,
        ledger=services.ledger,
        index=services.index,
        search=services.search,
        rejected_container=services.settings.rejected_container,
    )
