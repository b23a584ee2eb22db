"""HTTP trigger: store a clinical case as a whole."""

from http import HTTPStatus
from urllib.parse import quote

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._audit import say_case
from functions._case_conditions import condition_of
from functions._case_named import case_named
from functions._case_store import store_ports
from functions._http import answers_errors, json_response
from functions._public_url import public_base_url
from functions._streaming import limited_body
from shared.dicom.media_types import parse_media_type
from shared.dicom.multipart import boundary_of, read_parts
from shared.errors import InvalidRequestError, UnsupportedMediaTypeError
from shared.flows.store_case import store_case

bp = func.Blueprint()


@bp.function_name("put_case")
@bp.route("cases/{year}/{id}", methods=["PUT"])
@answers_errors
async def put_case(req: Request) -> Response:
    """Store four views and a report: 201 if the case was not there, else 200."""
    condition = condition_of(req)
    content_type = req.headers.get("content-type", "")
    _check_multipart(content_type)
    services = await _wiring.services()
    year, case_id = case_named(req)
    say_case(req, services, year, case_id)
    body = limited_body(req, services.settings.max_store_bytes)
    stored = await store_case(
        year,
        case_id,
        read_parts(body, boundary_of(content_type)),
        ports=store_ports(services),
        condition=condition,
    )
    root = services.settings.public_url.rstrip("/") or public_base_url(req.headers, req.url.scheme)
    content = {
        "year": year,
        "id": case_id,
        "views": {
            image.view: {
                "study_instance_uid": image.ref.study_instance_uid,
                "series_instance_uid": image.ref.series_instance_uid,
                "sop_instance_uid": image.ref.sop_instance_uid,
            }
            for image in stored.images
        },
    }
    headers = {"ETag": f'"{stored.etag}"', "Location": f"{root}/cases/{year}/{quote(case_id, safe='')}"}
    status = HTTPStatus.CREATED if stored.created else HTTPStatus.OK
    return json_response(content, status=status, headers=headers)


def _check_multipart(content_type: str) -> None:
    try:
        is_multipart = parse_media_type(content_type).essence.startswith("multipart/")
    except InvalidRequestError:
        is_multipart = False
    if not is_multipart:
        raise UnsupportedMediaTypeError(
            "send multipart/form-data with the parts L__CC, L__MLO, R__CC, R__MLO and report"
        )
