"""HTTP triggers: what an instance, a study, a collection or a file that is sent tells of its patient. Never a value."""

import csv
import io
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions._http import answers_errors, json_response
from functions._subject import instance_of, posted_file, services_of
from shared.dicom.media_types import Offer, choose
from shared.dicom.references import StudyRef
from shared.dicom.risk.rules import RiskLevel
from shared.errors import InvalidRequestError
from shared.flows.assess_risk import assess_risk
from shared.flows.get_study_risk import get_study_risk
from shared.flows.list_risks import list_risks as page_of_risks

bp = func.Blueprint()

_JSON: Final = "application/json"
_CSV: Final = "text/csv"
_LIMIT: Final = 1000
_MAX_LIMIT: Final = 10_000
_LEVELS: Final = {level.name.lower(): level for level in RiskLevel}


@bp.function_name("risk_of_instance")
@bp.route("risk/studies/{study}/series/{series}/instances/{instance}", methods=["GET"])
@answers_errors
async def risk_of_instance(req: Request) -> Response:
    """Answer every finding in an instance, with its place, level and reason."""
    services = await services_of(req)
    return json_response(await assess_risk(instance_of(req), objects=services.objects, index=services.index))


@bp.function_name("risk_of_file")
@bp.route("risk", methods=["POST"])
@answers_errors
async def risk_of_file(req: Request) -> Response:
    """Answer every finding in the file in the body; nothing of it is kept."""
    services = await services_of(req)
    return json_response(
        await assess_risk(await posted_file(req), objects=services.objects, index=services.index)
    )


@bp.function_name("risk_of_study")
@bp.route("risk/studies/{study}", methods=["GET"])
@answers_errors
async def risk_of_study(req: Request) -> Response:
    """Answer what the instances of a study tell together."""
    services = await services_of(req)
    ref = StudyRef(req.path_params["study"])
    return json_response(await get_study_risk(ref, risks=services.risks, summaries=services.summaries))


@bp.function_name("list_risks")
@bp.route("risk", methods=["GET"])
@answers_errors
async def list_risks(req: Request) -> Response:
    """Answer the studies and their levels, as JSON or CSV; `level` is the least to list, `after` begins the next page."""
    form = choose(req.headers.get("accept"), [Offer(_JSON), Offer(_CSV)]).offer.part_type
    after = req.query_params.get("after")
    least = req.query_params.get("level", "none")
    if least not in _LEVELS:
        raise InvalidRequestError(f"level must be one of {', '.join(_LEVELS)}")
    services = await services_of(req)
    page = await page_of_risks(
        after=StudyRef(after) if after else None,
        limit=_limit(req),
        least=_LEVELS[least],
        risks=services.risks,
        summaries=services.summaries,
    )
    following = req.url.include_query_params(after=page.next_after).query if page.next_after else None
    headers = {"Link": f'<?{following}>; rel="next"'} if following else {}
    if form == _CSV:
        return Response(_as_csv(page.studies), status_code=HTTPStatus.OK, media_type=_CSV, headers=headers)
    return json_response({"studies": page.studies, "next_after": page.next_after}, headers=headers)


def _limit(req: Request) -> int:
    text = req.query_params.get("limit", str(_LIMIT))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= _MAX_LIMIT:
        raise InvalidRequestError(f"limit must be a number from 1 to {_MAX_LIMIT}")
    return int(text)


def _as_csv(studies: Iterable[Mapping[str, Any]]) -> str:
    """Return a line a study. What stands in it are UIDs, words of this program and numbers: no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    levels = list(_LEVELS)
    writer.writerow(["study_instance_uid", "level", *levels, "unassessed", "categories"])
    for study in studies:
        counts = [study["instances"][level] for level in levels]
        categories = " ".join(name.replace(" ", "-") for name in study["categories"])
        writer.writerow(
            [study["study_instance_uid"], study["level"], *counts, study["unassessed"], categories]
        )
    return text.getvalue()
