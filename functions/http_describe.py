"""HTTP triggers: describe every attribute of an instance, or of a file that is sent."""

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions._http import answers_errors, json_response
from functions._subject import instance_of, posted_file, services_of
from shared.dicom.references import InstanceRef
from shared.dicom.tag_names import KeyScheme
from shared.errors import InvalidRequestError
from shared.flows.describe_file import describe_file as described

bp = func.Blueprint()


@bp.function_name("describe_instance")
@bp.route("describe/studies/{study}/series/{series}/instances/{instance}", methods=["GET"])
@answers_errors
async def describe_instance(req: Request) -> Response:
    """Answer the attributes of an instance, called as `keys` says: human (the default), numeric or keyword."""
    return await _describe(req, instance_of(req))


@bp.function_name("describe_file")
@bp.route("describe", methods=["POST"])
@answers_errors
async def describe_file(req: Request) -> Response:
    """Answer the attributes of the file in the body; nothing of it is kept."""
    return await _describe(req, await posted_file(req))


async def _describe(req: Request, subject: InstanceRef | bytes) -> Response:
    keys = req.query_params.get("keys", KeyScheme.HUMAN)
    if keys not in list(KeyScheme):
        raise InvalidRequestError(f"keys must be one of {', '.join(KeyScheme)}")
    services = await services_of(req)
    return json_response(
        await described(subject, KeyScheme(keys), objects=services.objects, index=services.index)
    )
