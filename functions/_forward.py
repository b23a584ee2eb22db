"""Forward DICOMweb requests to the upstream service, if there is one. It makes their paths and queries anew of what it knows."""

import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from functions._audit import say
from functions._dialect import Dialect
from functions._dicomweb import no_such_resource, service_url
from functions._streaming import close, limited_body, stream_response
from functions._upstream_events import forget_upstream
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.dicom.uids import validate_uid
from shared.errors import InvalidRequestError
from shared.flows.proxy_dicomweb import ForwardedAnswer, ProxyPorts, UpstreamRequest, proxy_dicomweb
from shared.services.services import Services

_PARAMETER: Final = re.compile(r"\{\*?(\w+)\??\}")
_SEGMENT: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._,~-]{1,2048}")
_LEVELS: Final = {"studies": "StudyInstanceUID", "series": "SeriesInstanceUID", "instances": "SOPInstanceUID"}
_MOST_SEGMENTS: Final = 32
_MOST_PARAMETERS: Final = 200
_OUR_OWN: Final = frozenset({"code", "clientid"})
"""Parameters by which Azure Functions knows its callers, in lower case."""


async def forward(req: Request, dialect: Dialect, services: Services, template: str) -> Response | None:
    """Forward *req* and answer as the upstream service does; None if it is none of the upstream's.

    Args:
        req: The request.
        dialect: Of its root.
        services: Of the default data partition, which is the one that an upstream service holds.
        template: Route of the resource below the root.

    Raises:
        InvalidRequestError: It asks for what is not forwarded.
    """
    upstream = services.upstream
    if upstream is None or req.path_params.get("partition", services.partition) != services.partition:
        return None
    path = _segments(template, req)
    ref = _ref(path) if req.method != "GET" else None
    stores = req.method in ("POST", "PUT")
    if stores and "dryrun" in {name.lower() for name in req.query_params}:
        raise InvalidRequestError("dryRun is not for instances that an upstream service stores")
    request = UpstreamRequest(
        method=req.method,
        path=path,
        query=_query(req),
        headers={
            name.lower(): value
            for name, value in req.headers.items()
            if stores or name.lower() not in _OF_BODY
        },
        body=_body(req, services.settings.max_store_bytes) if stores else None,
    )

    async def forget(gone: StudyRef | SeriesRef | InstanceRef) -> None:
        await forget_upstream(gone, services)

    ports = ProxyPorts(upstream.dicomweb, upstream.queue, forget)
    root = service_url(req, dialect, services.settings)
    # What an upstream service understands of a search is its own affair: a name may be anything, and is not audited.
    say(req, keys=())
    return await _answered(await proxy_dicomweb(request, ports, service_url=root, ref=ref))


_OF_BODY: Final = ("content-length", "content-type")


async def _answered(answer: ForwardedAnswer) -> Response:
    if not answer.content_type:
        await close(answer.chunks)
        return Response(status_code=answer.status, headers=answer.headers)
    headers = answer.headers | {"X-Content-Type-Options": "nosniff"}
    response = await stream_response(answer.chunks, media_type=answer.content_type, headers=headers)
    response.status_code = HTTPStatus(answer.status) if answer.status in _KNOWN else answer.status
    return response


_KNOWN: Final = frozenset(HTTPStatus)


def _segments(template: str, req: Request) -> tuple[str, ...]:
    """Return the path below the root, each segment of it one that a DICOMweb resource may have.

    Raises:
        NotFoundError: It is no such path.
        InvalidUidError: What stands for a UID is none.
    """
    segments: list[str] = []
    for part in template.split("/"):
        named = _PARAMETER.fullmatch(part)
        value = part if named is None else str(req.path_params.get(named[1]) or "")
        segments += [segment for segment in value.split("/") if segment]
    if len(segments) > _MOST_SEGMENTS or not all(map(_SEGMENT.fullmatch, segments)):
        raise no_such_resource()
    if segments[0] not in _LEVELS:
        raise no_such_resource()
    for level, uid in zip(segments[:6:2], segments[1:6:2], strict=False):
        if level not in _LEVELS:
            break
        validate_uid(uid, _LEVELS[level])
    return tuple(segments)


def _ref(path: tuple[str, ...]) -> StudyRef | SeriesRef | InstanceRef | None:
    """Return what a request that changes something is about; None for a store of any study.

    Raises:
        NotFoundError: The path is none of a study, series or instance.
    """
    match path:
        case ("studies",):
            return None
        case ("studies", study):
            return StudyRef(study)
        case ("studies", study, "series", series):
            return SeriesRef(study, series)
        case ("studies", study, "series", series, "instances", instance):
            return InstanceRef(study, series, instance)
    raise no_such_resource()


def _query(req: Request) -> tuple[tuple[str, str], ...]:
    pairs = tuple(pair for pair in req.query_params.multi_items() if pair[0].lower() not in _OUR_OWN)
    if len(pairs) > _MOST_PARAMETERS:
        raise InvalidRequestError(f"at most {_MOST_PARAMETERS} parameters are forwarded")
    return pairs


def _body(req: Request, limit: int) -> AsyncIterator[bytes]:
    return limited_body(req, limit)
