"""HTTP triggers: messages that were given up, and sending them again.

The answers hold messages, which name objects, which may be named after patients.
"""

from typing import Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._case_conditions import number
from functions._http import answers_errors, json_response
from functions._last_tries import LAST_TRIES
from shared.flows.list_poison import list_poison
from shared.flows.replay_poison import replay_poison

bp = func.Blueprint()

_MAX_LISTED: Final = 1000
_MAX_REPLAYED: Final = 10_000


@bp.function_name("poison_list")
@bp.route("poison", methods=["GET"])
@answers_errors
async def poison_list(req: Request) -> Response:
    """Answer the messages that were given up: which queue, when, why. `after` is the name of the last one seen."""
    services = await _wiring.services()
    listed = await list_poison(
        services.objects,
        services.settings.rejected_container,
        queue=req.query_params.get("queue", ""),
        after=req.query_params.get("after", ""),
        limit=int(number(req, "limit", 100, most=_MAX_LISTED)),
    )
    return json_response({"messages": listed})


@bp.function_name("poison_replay")
@bp.route("poison/{queue}/{*name}", methods=["POST"])
@answers_errors
async def poison_replay(req: Request) -> Response:
    """Send one message to its queue again, and forget that it was given up."""
    return await _replay(f"{req.path_params['queue']}/{req.path_params['name']}")


@bp.function_name("poison_replay_all")
@bp.route("poison/{queue}", methods=["POST"])
@answers_errors
async def poison_replay_all(req: Request) -> Response:
    """Send all messages of a queue again; answer how many."""
    return await _replay(req.path_params["queue"])


async def _replay(name: str) -> Response:
    services = await _wiring.services()
    sent = await replay_poison(
        name,
        poison=services.poison,
        objects=services.objects,
        container=services.settings.rejected_container,
        queues=frozenset(LAST_TRIES),
        limit=_MAX_REPLAYED,
    )
    return json_response({"replayed": sent})
