"""Answer with the versions of an instance: a list of them, or one of them as it is stored."""

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from functions._dialect import Dialect
from functions._dicomweb import no_such_resource, service_url, services_of
from functions._http import json_response
from functions._retrieve_instance import DICOM, answer_stored_instance
from shared.dicom.media_types import Offer, choose
from shared.dicom.references import InstanceRef
from shared.errors import InstanceNotFoundError, NotAcceptableError
from shared.flows.list_versions import list_versions

JSON: Final = "application/json"


async def answer_history(req: Request, dialect: Dialect, ref: InstanceRef, path: Sequence[str]) -> Response:
    """Send the version of an instance that *path* names; list them all if it is empty, the one that serves first."""
    match path:
        case []:
            return await _list(req, dialect, ref)
        case [name]:
            return await _send(req, dialect, ref, name)
        case _:
            raise no_such_resource()


async def _list(req: Request, dialect: Dialect, ref: InstanceRef) -> Response:
    choose(req.headers.get("accept"), [Offer(JSON)], accept_parameter=req.query_params.get("accept"))
    services = await services_of(req, dialect)
    root = service_url(req, dialect, services.settings)
    versions = await list_versions(ref, service_url=root, index=services.index)
    return json_response([version.about for version in versions])


async def _send(req: Request, dialect: Dialect, ref: InstanceRef, name: str) -> Response:
    """Send one version, or a range of its bytes; versions are never transcoded."""
    accept = req.query_params.get("accept")
    choice = choose(req.headers.get("accept"), [Offer(DICOM)], accept_parameter=accept)
    services = await services_of(req, dialect)
    root = service_url(req, dialect, services.settings)
    for version in await list_versions(ref, service_url=root, index=services.index):
        if version.name == name:
            stored = version.instance.transfer_syntax_uid
            if choice.transfer_syntax not in (None, "*", stored):
                raise NotAcceptableError(f"a version is sent as it is stored, in {stored}")
            return await answer_stored_instance(req, version.instance, services.objects)
    raise InstanceNotFoundError("there is no such version of the instance; see its history")
