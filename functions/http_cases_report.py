"""HTTP triggers: the reports of clinical cases."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._audit import say_case
from functions._case_conditions import MAX_SECONDS, condition_of, number
from functions._case_named import case_named
from functions._conditional import etag_matches
from functions._http import answers_errors, json_response
from functions._streaming import limited_body
from shared.dicom.media_types import Offer, choose, parse_media_type
from shared.errors import InvalidRequestError, UnsupportedMediaTypeError
from shared.flows.get_report import get_report as read_report
from shared.flows.migrate_reports import migrate_reports as move_reports
from shared.flows.put_report import put_report as write_report

bp = func.Blueprint()

_TEXT: Final = "text/plain"
_JSON: Final = "application/json"
_CHARSETS: Final = ("utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16")
_MAX_BODY: Final = 512 * 1024
"""Bytes; a report of 32,000 characters is shorter in any encoding, as JSON too."""


@bp.function_name("get_report")
@bp.route("cases/{year}/{id}/report", methods=["GET"])
@answers_errors
async def get_report(req: Request) -> Response:
    """Answer a report as text, or as JSON to who prefers that."""
    offer = choose(req.headers.get("accept"), [Offer(_TEXT), Offer(_JSON)]).offer
    year, case_id = case_named(req)
    services = await _wiring.services()
    say_case(req, services, year, case_id)
    report = await read_report(year, case_id, services.reports)
    headers = {"ETag": f'"{report.etag}"', "Vary": "Accept"}
    if etag_matches(req.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if offer.part_type == _JSON:
        return json_response({"year": year, "id": case_id, "report": report.text}, headers=headers)
    return Response(report.text.encode("utf-8", "replace"), media_type=_TEXT, headers=headers)


@bp.function_name("put_report")
@bp.route("cases/{year}/{id}/report", methods=["PUT"])
@answers_errors
async def put_report(req: Request) -> Response:
    """Write a report: 201 if there was none, else 204."""
    condition = condition_of(req)
    text = _text(req, b"".join([chunk async for chunk in limited_body(req, _MAX_BODY)]))
    services = await _wiring.services()
    say_case(req, services, *case_named(req))
    is_new = await write_report(
        *case_named(req),
        text,
        cases=services.cases,
        reports=services.reports,
        condition=condition,
    )
    return Response(status_code=HTTPStatus.CREATED if is_new else HTTPStatus.NO_CONTENT)


@bp.function_name("migrate_reports")
@bp.route("cases/reports/migration", methods=["POST"])
@answers_errors
async def migrate_reports(req: Request) -> Response:
    """Answer 200 when all reports are found by key, else 202: the same request again goes on from there."""
    seconds = number(req, "seconds", 100, most=MAX_SECONDS)
    services = await _wiring.services()
    result = await move_reports(
        reports=services.reports, cases=services.cases, checkpoints=services.checkpoints, seconds=seconds
    )
    content: dict[str, Any] = asdict(result)
    if result.done:
        return json_response(content)
    content["next"] = "POST /cases/reports/migration goes on from here"
    return json_response(content, status=HTTPStatus.ACCEPTED)


def _text(req: Request, body: bytes) -> str:
    """Return the report that a body holds.

    Raises:
        UnsupportedMediaTypeError: It is neither text nor JSON.
        InvalidRequestError: It is not what it says.
    """
    try:
        media_type = parse_media_type(req.headers.get("content-type", _TEXT))
    except InvalidRequestError as error:
        raise UnsupportedMediaTypeError(str(error)) from None
    if media_type.essence == _JSON:
        return _text_of_json(body)
    if media_type.essence != _TEXT:
        raise UnsupportedMediaTypeError(f"send a report as {_TEXT} or {_JSON}")
    charset = media_type.parameters.get("charset", "utf-8").lower()
    if charset not in _CHARSETS:
        raise UnsupportedMediaTypeError("the charset of the report is unknown; send UTF-8")
    try:
        return body.decode(charset)
    except ValueError:
        raise InvalidRequestError("the report is not text in the charset that it says") from None


def _text_of_json(body: bytes) -> str:
    import orjson

    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidRequestError("the body is not JSON") from None
    match said:
        case {"report": str(text)}:
            return text
    raise InvalidRequestError('a report as JSON is {"report": "its text"}')
