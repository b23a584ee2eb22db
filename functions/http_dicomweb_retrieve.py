"""HTTP trigger: retrieve instances, metadata, frames and bulk data (WADO-RS)."""

from typing import Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions._audit import say
from functions._dialect import Dialect
from functions._dicomweb import no_such_resource, split_path
from functions._history import answer_history
from functions._rendered import answer_rendered, answer_thumbnail
from functions._retrieve_instances import answer_instances, answer_metadata
from functions._retrieve_pixels import answer_all_bulkdata, answer_bulkdata, answer_frames
from functions._roots import at_every_root
from shared.access.audit_events import AuditEvent
from shared.dicom.references import InstanceRef

bp = func.Blueprint()

_PICTURES: Final = {"rendered": answer_rendered, "thumbnail": answer_thumbnail}


@at_every_root(bp, "retrieve", "studies/{study}/{*path}", ["GET"], forwarded=True)
async def retrieve(req: Request, dialect: Dialect) -> Response:
    """Answer a retrieval; what is stored is sent as it is stored, or not at all.

    Source: PS3.18 2024e §10.4
    """
    ref, rest = split_path(req)
    if rest:
        say(req, event=AuditEvent.INSTANCES_ACCESSED)
    match ref, rest:
        case _, ():
            answer = answer_instances(req, dialect, ref)
        case _, ("metadata",):
            answer = answer_metadata(req, dialect, ref)
        case _, ("rendered" | "thumbnail" as picture,):
            answer = _PICTURES[picture](req, dialect, ref)
        case InstanceRef(), ("frames", numbers, "rendered" | "thumbnail" as picture):
            answer = _PICTURES[picture](req, dialect, ref, numbers)
        case InstanceRef(), ("frames", numbers):
            answer = answer_frames(req, dialect, ref, numbers)
        case _, ("bulkdata",):
            answer = answer_all_bulkdata(req, dialect, ref)
        case InstanceRef(), ("bulkdata", *path):
            answer = answer_bulkdata(req, dialect, ref, "/".join(path))
        case InstanceRef(), ("history", *path):
            answer = answer_history(req, dialect, ref, path)
        case _:
            raise no_such_resource()
    return await answer
