"""HTTP triggers: search for studies, series and instances (QIDO-RS)."""

from dataclasses import replace
from http import HTTPStatus
from typing import Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions._audit import say
from functions._dialect import Dialect
from functions._dicomweb import DICOM_JSON, no_such_resource, service_url, services_of
from functions._http import json_response
from functions._next_page import given_cursor, next_link
from functions._roots import at_every_root
from shared.dicom.media_types import Offer, choose
from shared.dicom.query import Level
from shared.dicom.query_parameters import parse_query
from shared.dicom.references import SeriesRef, StudyRef
from shared.flows.search_archive import search_archive

bp = func.Blueprint()

_OFFERS: Final = (Offer(DICOM_JSON), Offer("application/json"))
_LEVELS: Final[dict[str, Level]] = {"studies": "study", "series": "series", "instances": "instance"}


@at_every_root(bp, "search", "{resource}", ["GET"], forwarded=True)
async def search_all(req: Request, dialect: Dialect) -> Response:
    """Search all studies, series or instances."""
    level = _LEVELS.get(req.path_params["resource"])
    if level is None:
        raise no_such_resource()
    return await search(req, dialect, level)


@at_every_root(bp, "search_series", "studies/{study}/series", ["GET"], forwarded=True)
async def search_series(req: Request, dialect: Dialect) -> Response:
    """Search the series of a study."""
    return await search(req, dialect, "series", StudyRef(req.path_params["study"]))


@at_every_root(bp, "search_instances", "studies/{study}/instances", ["GET"], forwarded=True)
async def search_instances(req: Request, dialect: Dialect) -> Response:
    """Search the instances of a study."""
    return await search(req, dialect, "instance", StudyRef(req.path_params["study"]))


@at_every_root(
    bp, "search_series_instances", "studies/{study}/series/{series}/instances", ["GET"], forwarded=True
)
async def search_series_instances(req: Request, dialect: Dialect) -> Response:
    """Search the instances of a series."""
    within = SeriesRef(req.path_params["study"], req.path_params["series"])
    return await search(req, dialect, "instance", within)


async def search(
    req: Request, dialect: Dialect, level: Level, within: StudyRef | SeriesRef | None = None
) -> Response:
    """Answer a search, with its total, its warnings and a link to the next page; 204 if nothing matches.

    Source: PS3.18 2024e §10.6 and §8.3.4.4
    """
    parameters = req.query_params
    choice = choose(req.headers.get("accept"), _OFFERS, accept_parameter=parameters.get("accept"))
    services = await services_of(req, dialect)
    options = replace(dialect.query, ignore_unknown=services.settings.lenient_search)
    cursor = given_cursor(req)
    query = parse_query(level, parameters.multi_items(), within=within, options=options)
    root = service_url(req, dialect, services.settings)
    answer = await search_archive(
        query, service_url=root, search=services.search, cursor=cursor, cursor_key=services.cursor_key
    )
    say(req, keys=tuple(key.path[-1] for key in query.keys), found=len(answer.rows))
    headers = {}
    if answer.next_cursor is not None:
        headers["Link"] = next_link(req, root, level, within, answer.next_cursor)
    if answer.total is not None:
        headers["X-Total-Count"] = str(answer.total)
    warnings = list(query.warnings)
    if answer.next_cursor is not None and "limit" not in parameters:
        there_are = "There may be"
        if answer.total is not None:
            there_are = f"There are {answer.total - query.offset - len(answer.rows)}"
        warnings.append(f"{there_are} additional results that can be requested")
    if warnings:
        headers["Warning"] = ", ".join(f"299 {root}: {_printable(text)}" for text in warnings)
    if not answer.rows:
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
    return json_response(answer.rows, media_type=choice.offer.part_type, headers=headers)


def _printable(text: str) -> str:
    """Return *text* as it may stand in a header."""
    return text.encode("ascii", "replace").decode()
