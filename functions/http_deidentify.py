"""HTTP trigger: de-identify a posted file."""

from typing import Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._deidentify_request import deidentify_request, is_dry_run, known_parameters
from functions._http import answers_errors
from functions._streaming import limited_body
from shared.dicom.media_types import parse_media_type
from shared.dicom.multipart import boundary_of, read_parts
from shared.errors import InvalidRequestError, UnsupportedMediaTypeError
from shared.flows._deidentification_report import report_of
from shared.flows.deidentify_file import HeldFile, deidentify_file

bp = func.Blueprint()

_DICOM: Final = "application/dicom"
_TAKEN: Final = ("application/dicom", "application/octet-stream", "multipart/related", "multipart/form-data")


@bp.function_name("deidentify")
@bp.route("deidentify", methods=["POST"])
@answers_errors
async def deidentify(req: Request) -> Response:
    """Answer the de-identified file, or with `dryRun=true` what would be done: tag path, rule and action, no value."""
    settings = _wiring.settings()
    known_parameters(req.query_params)
    request = deidentify_request(req.query_params, settings)
    dry_run = is_dry_run(req.query_params)
    source = HeldFile(await _file(req, settings.max_deidentify_bytes))
    done = await deidentify_file(source, request)
    if dry_run:
        return Response(report_of(done), media_type="application/json")
    out = HeldFile(b"".join([chunk async for chunk in done.stream()]))
    await done.check(out)
    name = f'attachment; filename="{done.made.uids.sop_instance_uid}.dcm"'
    return Response(out.data, media_type=_DICOM, headers={"Content-Disposition": name})


async def _file(req: Request, limit: int) -> bytes:
    """Return the one file in the body of *req*, by itself or as the part of a multipart body."""
    try:
        media_type = parse_media_type(req.headers.get("content-type", ""))
    except InvalidRequestError as error:
        raise UnsupportedMediaTypeError(str(error)) from None
    if media_type.essence not in _TAKEN:
        raise UnsupportedMediaTypeError(f"send one file as {', '.join(_TAKEN)}")
    body = limited_body(req, limit)
    if not media_type.essence.startswith("multipart/"):
        return b"".join([chunk async for chunk in body])
    files = [
        b"".join([chunk async for chunk in part.chunks()])
        async for part in read_parts(body, boundary_of(req.headers["content-type"]))
    ]
    if len(files) != 1:
        raise InvalidRequestError(f"the body holds {len(files)} parts; send one file at a time")
    return files[0]
