"""HTTP trigger: the list of clinical cases."""

from urllib.parse import urlencode

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._case_conditions import flag, number
from functions._http import answers_errors, json_response
from functions._public_url import public_base_url
from shared.flows.list_cases import MAX_LIMIT
from shared.flows.list_cases import list_cases as page_of_cases

bp = func.Blueprint()


@bp.function_name("list_cases")
@bp.route("cases", methods=["GET"])
@answers_errors
async def list_cases(req: Request) -> Response:
    """Answer a page of cases, and the URL of the next."""
    services = await _wiring.services()
    query = req.query_params
    page = await page_of_cases(
        services.cases,
        year=query.get("year"),
        id_prefix=query.get("id", ""),
        complete=flag(req, "complete"),
        limit=number(req, "limit", 100, most=MAX_LIMIT),
        after=query.get("after", ""),
    )
    root = services.settings.public_url.rstrip("/") or public_base_url(req.headers, req.url.scheme)
    after = page.pop("after")
    same = [(name, query[name]) for name in ("year", "id", "complete", "limit") if name in query]
    page["next"] = None if after is None else f"{root}/cases?{urlencode([*same, ('after', after)])}"
    return json_response(page)
