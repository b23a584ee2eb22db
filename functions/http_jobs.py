"""HTTP trigger: the jobs that were begun last, of every kind, as JSON and as a page that keeps itself up to date."""

import re
from datetime import UTC, datetime
from typing import Any, Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from functions import _wiring
from functions._http import answers_errors, json_response
from functions._jobs_page import HEADERS
from functions._jobs_page import jobs_page as page_of
from functions._recent_jobs import RecentJobs
from shared.errors import InvalidRequestError

bp = func.Blueprint()

_LIMIT: Final = re.compile(r"[1-9][0-9]?|100", re.ASCII)
_KIND: Final = re.compile(r"[a-z]{0,32}", re.ASCII)
_USUAL: Final = "20"
_recent: Final = RecentJobs()


@bp.function_name("list_jobs")
@bp.route("jobs", methods=["GET"])
@answers_errors
async def list_jobs(req: Request) -> Response:
    """Answer how far the newest jobs are: counts, rate, time left, failures."""
    return json_response({"jobs": await _latest(req)}, headers={"Cache-Control": "no-store"})


@bp.function_name("jobs_page")
@bp.route("ui/jobs", methods=["GET"])
@answers_errors
async def jobs_page(req: Request) -> Response:
    """Answer the same as a page."""
    return HTMLResponse(page_of(await _latest(req)), headers=HEADERS)


async def _latest(req: Request) -> list[dict[str, Any]]:
    limit, kind = req.query_params.get("limit", _USUAL), req.query_params.get("kind", "")
    if _LIMIT.fullmatch(limit) is None:
        raise InvalidRequestError("limit is a number from 1 to 100")
    if _KIND.fullmatch(kind) is None:
        raise InvalidRequestError("kind is the name of a kind of job, such as session")
    services = await _wiring.services()
    return await _recent.latest(services.jobs, int(limit), kind, datetime.now(UTC))
