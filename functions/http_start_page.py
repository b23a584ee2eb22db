"""HTTP trigger: the start page, a list of the studies for people. It needs no script and no build step."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from functions import _wiring
from functions._http import answers_errors, status_of
from functions._start_page import FIELDS, HEADERS, StartPage
from functions._start_page import start_page as page_of
from shared.dicom import query
from shared.dicom.query_parameters import parse_query
from shared.errors import AppError, InvalidQueryError
from shared.flows.search_archive import search_archive

bp = func.Blueprint()

PAGE_SIZE: Final = 20
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_PAGE: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_ATTRIBUTES: Final = {"name": "PatientName", "patient": "PatientID", "accession": "AccessionNumber"}


@bp.function_name("start_page")
@bp.route("ui", methods=["GET"])
@answers_errors
async def start_page(req: Request) -> Response:
    """Show the newest studies, or those that match; a search that fails is a page too, with the error's status."""
    given = {name: req.query_params.get(name, "").strip() for name in FIELDS}
    searched = {name: value for name, value in given.items() if value}
    try:
        status, content = HTTPStatus.OK, await _search(searched, req.query_params.get("page", "1"))
    except AppError as error:
        status, content = status_of(error), StartPage(searched, problem=f"{error}.")
    return HTMLResponse(page_of(content), status_code=status, headers=HEADERS)


async def _search(searched: Mapping[str, str], page_text: str) -> StartPage:
    """Return the page that was asked for.

    Raises:
        InvalidQueryError: A field holds what it cannot hold.
        QueryTooBroadError: More rows than the budget would have to be read.
    """
    if _PAGE.fullmatch(page_text) is None:
        raise InvalidQueryError("page must be a whole number from 1")
    page = int(page_text)
    parameters = [
        ("limit", str(PAGE_SIZE)),
        ("offset", str((page - 1) * PAGE_SIZE)),
        ("includefield", "StudyDescription"),
        ("fuzzymatching", "true"),
        *((_ATTRIBUTES[name], value) for name, value in searched.items() if name in _ATTRIBUTES),
        *_dates(searched),
    ]
    services = await _wiring.services()
    answer = await search_archive(
        parse_query("study", parameters, options=query.STANDARD), service_url="", search=services.search
    )
    return StartPage(searched, page, PAGE_SIZE, answer.rows, answer.total, services.settings.viewer_url)


def _dates(searched: Mapping[str, str]) -> list[tuple[str, str]]:
    first, last = (_date(searched.get(name, "")) for name in ("from", "to"))
    return [("StudyDate", f"{first}-{last}")] if first or last else []


def _date(text: str) -> str:
    if text and _DATE.fullmatch(text) is None:
        raise InvalidQueryError("write a date as 2024-02-29")
    return text.replace("-", "")
