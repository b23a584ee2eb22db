"""HTTP triggers: clinical cases, and the pictures of their views."""

from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import azure.functions as func
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from functions import _wiring
from functions._audit import say, say_case
from functions._case_named import case_named
from functions._case_page import HEADERS, case_page, problem_page
from functions._conditional import conditional_response
from functions._dialect import STANDARD
from functions._dicomweb import service_url
from functions._http import answers_errors, json_response, status_of
from functions._streaming import close, stream_response
from functions._zip import ZipEntry, zip_body
from shared.access.audit_events import AuditEvent
from shared.dicom.media_types import Offer, choose
from shared.dicom.references import InstanceRef
from shared.errors import AppError, InvalidQueryError
from shared.flows._case_name import VIEWS
from shared.flows.export_case import CaseFile, export_case
from shared.flows.get_case import CasePorts, CaseUrls
from shared.flows.get_case import get_case as put_case_together
from shared.flows.render_case_view import CaseView, render_case_view
from shared.pixels.view_parameters import parse_view_parameters
from shared.services.services import Services

bp = func.Blueprint()

_JSON: Final = "application/json"
_HTML: Final = "text/html"
_ZIP: Final = "application/zip"
_PNG: Final = "image/png"
_FORMS: Final = (Offer(_JSON), Offer(_HTML), Offer(_ZIP), Offer(_PNG))
_NEGOTIATED: Final = {"Vary": "Accept"}
_KEPT_PRIVATELY: Final = {"Cache-Control": "private, no-cache"}


@bp.function_name("get_case")
@bp.route("cases/{year}/{id}", methods=["GET"])
@answers_errors
async def get_case(req: Request) -> Response:
    """Answer a case as JSON, as a page, as a ZIP, or one of its views as a picture."""
    form = _chosen(req, _FORMS)
    if form == _PNG:
        return await _answer_view(req, _view_parameter(req))
    strict = _strict(req)
    services = await _wiring.services()
    say_case(req, services, *case_named(req))
    urls = _urls(req, services)
    if form == _ZIP:
        return await _answer_zip(req, services, urls, strict=strict)
    if form == _HTML:
        return await _answer_page(req, services, urls, strict=strict)
    case = await put_case_together(*case_named(req), urls=urls, ports=_ports(services), strict=strict)
    say(req, refs=_refs(case))
    return json_response(case, headers=_NEGOTIATED)


@bp.function_name("get_case_view")
@bp.route("cases/{year}/{id}/views/{view}", methods=["GET"])
@answers_errors
async def get_case_view(req: Request) -> Response:
    """Answer one view of a case as a picture."""
    _chosen(req, (Offer(_PNG),))
    return await _answer_view(req, req.path_params["view"])


async def _answer_view(req: Request, view: str) -> Response:
    services = await _wiring.services()
    say_case(req, services, *case_named(req))
    picture = await render_case_view(
        CaseView(*case_named(req), view),
        parse_view_parameters(req.query_params),
        ports=_ports(services),
        objects=services.objects,
    )
    return await conditional_response(
        req, _once(picture), media_type=_PNG, headers={**_NEGOTIATED, **_KEPT_PRIVATELY}
    )


async def _answer_page(req: Request, services: Services, urls: CaseUrls, *, strict: bool) -> Response:
    """Answer the page; what goes wrong is a page too, with the error's status."""
    try:
        case = await put_case_together(*case_named(req), urls=urls, ports=_ports(services), strict=strict)
    except AppError as error:
        status = status_of(error)
        return HTMLResponse(problem_page(status.phrase, str(error)), status_code=status, headers=HEADERS)
    say(req, refs=_refs(case))
    return HTMLResponse(case_page(case), status_code=HTTPStatus.OK, headers=HEADERS)


async def _answer_zip(req: Request, services: Services, urls: CaseUrls, *, strict: bool) -> Response:
    """Stream the files of the case; what is missing is known before the first byte, or told in its `case.json`."""
    say(req, event=AuditEvent.INSTANCES_TRANSFERRED)
    year, case_id = case_named(req)
    files = await export_case(
        year, case_id, urls=urls, ports=_ports(services), objects=services.objects, strict=strict
    )
    name = quote(f"case-{year}-{case_id}.zip", safe="")
    return await stream_response(
        zip_body(_entries(files)),
        media_type=_ZIP,
        headers={**_NEGOTIATED, "Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
    )


async def _entries(files: AsyncIterator[CaseFile]) -> AsyncIterator[ZipEntry]:
    try:
        async for file in files:
            yield ZipEntry(file.name, file.most, file.content)
    finally:
        await close(files)


def _refs(case: Mapping[str, Any]) -> tuple[InstanceRef, ...]:
    """Return the images of a case."""
    return tuple(
        InstanceRef(*(image[f"{level}_instance_uid"] for level in ("study", "series", "sop")))
        for image in (*case["views"].values(), *case["duplicates"])
    )


def _chosen(req: Request, offers: tuple[Offer, ...]) -> str:
    choice = choose(req.headers.get("accept"), offers, accept_parameter=req.query_params.get("accept"))
    return choice.offer.part_type


def _strict(req: Request) -> bool:
    strict = req.query_params.get("strict", "false").lower()
    if strict not in ("true", "false"):
        raise InvalidQueryError("strict must be true or false")
    return strict == "true"


def _view_parameter(req: Request) -> str:
    view = req.query_params.get("view", "")
    if not view:
        raise InvalidQueryError(f"a picture is of one view: add view, one of {', '.join(VIEWS)}")
    return view


def _ports(services: Services) -> CasePorts:
    return CasePorts(services.cases, services.reports, services.index)


def _urls(req: Request, services: Services) -> CaseUrls:
    service = service_url(req, STANDARD, services.settings)
    return CaseUrls(service, f"{service.removesuffix(f'/{STANDARD.root}')}/cases")


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
