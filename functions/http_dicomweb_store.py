"""HTTP trigger: store instances (STOW-RS)."""

from collections.abc import AsyncIterator, Mapping

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions._dialect import Dialect
from functions._dicomweb import DICOM_JSON, service_url, services_of
from functions._http import json_response
from functions._risk_limit import risk_policy
from functions._roots import at_every_root
from functions._streaming import limited_body
from shared.dicom.media_types import MediaType, Offer, choose, parse_media_type
from shared.dicom.multipart import boundary_of, read_parts
from shared.dicom.references import StudyRef
from shared.dicom.store_response import store_response
from shared.errors import InvalidRequestError, UnsupportedMediaTypeError
from shared.flows.store_instances import Admission, IncomingPart, StorePorts, StoreRequest, store_instances

bp = func.Blueprint()


@at_every_root(bp, "store", "studies/{study?}", ["POST", "PUT"], forwarded=True)
async def store(req: Request, dialect: Dialect) -> Response:
    """Store the instances in the body of *req*; nothing is read before the answer's form is agreed on.

    With PUT, which is of the Azure DICOM service, an instance takes the place of one that is there. With `dryRun=true`
    the answer is the same, and nothing is stored.

    Source: PS3.18 2024e §10.5
    """
    choose(req.headers.get("accept"), [Offer(DICOM_JSON)], accept_parameter=req.query_params.get("accept"))
    study = req.path_params.get("study")
    media_type = _media_type(req)
    dry_run = _dry_run(req)
    services = await services_of(req, dialect, unknown_partition="accept" if dry_run else "make")
    root = service_url(req, dialect, services.settings)
    request = StoreRequest(
        service_url=root,
        study=StudyRef(study) if study else None,
        duplicates="replace" if req.method == "PUT" else dialect.duplicates or services.settings.duplicates,
        warning_reason=dialect.warning_reason,
        admission=Admission(
            services.settings.store_sop_classes,
            services.settings.store_transfer_syntaxes,
            needs_patient_id=services.settings.store_patient_id == "required",
        ),
        dry_run=dry_run,
    )
    ports = StorePorts(
        objects=services.objects,
        index=services.index,
        ledger=services.ledger,
        cases=services.cases,
        queue=services.queue,
        container=services.settings.archive_container,
        partition=services.partition,
        risk=risk_policy(services.settings),
    )
    body = limited_body(req, services.settings.max_store_bytes)
    outcomes = await store_instances(_parts(req, media_type, body), request, ports)
    status, answer = store_response(outcomes, study_url=f"{root}/studies/{study}" if study else None)
    if answer is None:
        return Response(status_code=status)
    return json_response(answer, status=status, media_type=DICOM_JSON)


def _dry_run(req: Request) -> bool:
    text = req.query_params.get("dryRun", "false").lower()
    if text not in ("true", "false"):
        raise InvalidRequestError("dryRun must be true or false")
    return text == "true"


def _media_type(req: Request) -> MediaType:
    """Return the body's media type.

    Raises:
        UnsupportedMediaTypeError: It is not one that can be stored.
    """
    try:
        media_type = parse_media_type(req.headers.get("content-type", ""))
    except InvalidRequestError as error:
        raise UnsupportedMediaTypeError(str(error)) from None
    if media_type.part_type not in ("application/dicom", "*/*") or media_type.essence == "*/*":
        raise UnsupportedMediaTypeError(
            'send application/dicom, or multipart/related; type="application/dicom" with its boundary'
        )
    return media_type


def _parts(req: Request, media_type: MediaType, body: AsyncIterator[bytes]) -> AsyncIterator[IncomingPart]:
    if media_type.is_multipart:
        return read_parts(body, boundary_of(req.headers["content-type"]))
    return _only_part(_WholeBody(body))


class _WholeBody:
    """A body that is one instance."""

    headers: Mapping[str, str] = {}

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield it."""
        return self._body


async def _only_part(part: IncomingPart) -> AsyncIterator[IncomingPart]:
    yield part
