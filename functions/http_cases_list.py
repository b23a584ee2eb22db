"""HTTP trigger: the list of clinical cases."""

from typing import Final
from urllib.parse import urlencode

import azure.functions as func
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from functions import _wiring
from functions._case_conditions import flag, number
from functions._case_list_page import HEADERS, case_list_page
from functions._case_page import problem_page
from functions._http import answers_errors, json_response, status_of
from functions._public_url import public_base_url
from shared.dicom.media_types import Offer, choose
from shared.errors import AppError
from shared.flows.list_cases import MAX_LIMIT
from shared.flows.list_cases import list_cases as page_of_cases

bp = func.Blueprint()

_JSON: Final = "application/json"
_HTML: Final = "text/html"
_ROWS: Final = 50
"""Cases on a page for people."""


@bp.function_name("list_cases")
@bp.route("cases", methods=["GET"])
@answers_errors
async def list_cases(req: Request) -> Response:
    """Answer a page of cases, and the URL of the next; or a page for people."""
    choice = choose(
        req.headers.get("accept"),
        (Offer(_JSON), Offer(_HTML)),
        accept_parameter=req.query_params.get("accept"),
    )
    if choice.offer.part_type == _HTML:
        return await _answer_page(req)
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
    return json_response(page, headers={"Vary": "Accept"})


async def _answer_page(req: Request) -> Response:
    """Answer the list for people; what goes wrong is a page too, with the error's status."""
    # A form sends the fields that were left empty too.
    searched = {name: req.query_params.get(name, "") for name in ("year", "id", "complete")}
    searched = {name: value for name, value in searched.items() if value}
    try:
        page = await page_of_cases(
            (await _wiring.services()).cases,
            year=searched.get("year"),
            id_prefix=searched.get("id", ""),
            complete=flag(req, "complete") if "complete" in searched else None,
            limit=_ROWS,
            after=req.query_params.get("after", ""),
        )
    except AppError as error:
        status = status_of(error)
        page_of_error = problem_page(status.phrase, str(error), root="")
        return HTMLResponse(page_of_error, status_code=status, headers=HEADERS)
    return HTMLResponse(case_list_page(page["cases"], searched, page["after"]), headers=HEADERS)
