"""Answer with one instance: as it is stored, whole or a range of its bytes, or transcoded."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from functions._conditional import etag_matches
from functions._ranges import instance_etag, requested_range
from functions._streaming import stream_response
from shared.flows.read_instance import read_instance
from shared.flows.retrieve_instances import FoundInstance
from shared.flows.transcode_instance import transcode_instance
from shared.ports.archive import ObjectStore
from shared.services.services import Services

DICOM: Final = "application/dicom"
_PIECE: Final = 1024 * 1024
"""Bytes of a transcoded instance that are sent at once."""


async def answer_stored_instance(req: Request, instance: FoundInstance, objects: ObjectStore) -> Response:
    """Send one instance in a part of its own, byte for byte.

    Source: RFC 9110 §13.1.2, §14.2 and §15.5.17
    """
    length, etag = instance.location.length, instance_etag(instance.location)
    headers = {"ETag": etag, "Accept-Ranges": "bytes"}
    if etag_matches(req.headers.get("if-none-match", ""), etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    wanted = requested_range(req.headers, length, etag)
    start, end = wanted or (0, length)
    if start >= end:
        return Response(
            status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            headers={**headers, "Content-Range": f"bytes */{length}"},
        )
    content = read_instance(instance, start, end, objects=objects)
    response = await stream_response(content, media_type=DICOM, length=end - start, headers=headers)
    if wanted is not None:
        response.status_code = HTTPStatus.PARTIAL_CONTENT
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{length}"
    return response


async def answer_transcoded_instance(
    req: Request, instance: FoundInstance, transfer_syntax_uid: str, services: Services
) -> Response:
    """Send one instance in a part of its own, in another transfer syntax than it is stored in.

    Source: PS3.18 2024e §8.7.3.5
    """
    etag = f'{instance_etag(instance.location)[:-1]}-{transfer_syntax_uid}"'
    if etag_matches(req.headers.get("if-none-match", ""), etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
    return await stream_response(
        transcoded_content(instance, transfer_syntax_uid, services),
        media_type=f"{DICOM}; transfer-syntax={transfer_syntax_uid}",
        headers={"ETag": etag},
    )


async def transcoded_content(
    instance: FoundInstance, transfer_syntax_uid: str, services: Services
) -> AsyncIterator[bytes]:
    """Yield an instance in another transfer syntax, made when it is first asked for."""
    data = await transcode_instance(
        instance.ref, transfer_syntax_uid, objects=services.objects, index=services.index
    )
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]
