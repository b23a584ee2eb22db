"""Answer retrievals of whole instances and of metadata, in the form the client accepts."""

from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from functions._compression import gzipped, takes_gzip
from functions._conditional import conditional_response
from functions._dialect import Dialect
from functions._dicomweb import DICOM_JSON, service_url, services_of
from functions._multipart import multipart_body, multipart_length
from functions._retrieve_instance import (
    DICOM,
    answer_stored_instance,
    answer_transcoded_instance,
    transcoded_content,
)
from functions._streaming import close, stream_response
from shared.dicom.media_types import Choice, Offer, choose
from shared.dicom.multipart_writer import multipart_content_type, new_boundary, part_head
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.dicom.tags import EXPLICIT_VR_LITTLE_ENDIAN
from shared.errors import ObjectChangedError, ObjectNotFoundError
from shared.flows.read_instance import read_instance
from shared.flows.read_instances import read_instances
from shared.flows.retrieve_instances import FoundInstance, retrieve_instances
from shared.flows.retrieve_metadata import retrieve_metadata
from shared.flows.retrieve_present import retrieve_present
from shared.flows.transcode_check import transcode_check
from shared.ports import ObjectStore
from shared.services import Services

_METADATA: Final = (Offer(DICOM_JSON), Offer("application/json"))
_ONE: Final = (Offer(DICOM), Offer(DICOM, multipart=True))
_LONG: Final = 256 * 1024
"""Bytes from which an instance takes so long to send that looking for it first is no matter."""
_SEVERAL: Final = (Offer(DICOM, multipart=True),)


async def answer_instances(
    req: Request, dialect: Dialect, ref: StudyRef | SeriesRef | InstanceRef
) -> Response:
    """Send the instances of *ref*: one alone if it was asked for by itself, else as parts.

    Raises:
        NotAcceptableError: The client wants another form or transfer syntax than there is.

    Source: PS3.18 2024e §10.4.1.1 and §8.7.3
    """
    offers = _ONE if isinstance(ref, InstanceRef) else _SEVERAL
    choice = choose(req.headers.get("accept"), offers, accept_parameter=req.query_params.get("accept"))
    services = await services_of(req, dialect)
    root = service_url(req, dialect, services.settings)
    instances = await retrieve_instances(ref, service_url=root, index=services.index)
    syntaxes = await _chosen_syntaxes(choice, instances, services)
    are_stored = all(
        instance.transfer_syntax_uid == syntax for instance, syntax in zip(instances, syntaxes, strict=True)
    )
    if not choice.offer.multipart:
        [instance], [syntax] = instances, syntaxes
        if are_stored:
            return await answer_stored_instance(req, instance, services.objects)
        return await answer_transcoded_instance(req, instance, syntax, services)
    if not are_stored:
        return await _answer_transcoded_parts(instances, syntaxes, services)
    if len(instances) == 1:
        return await _answer_parts(instances, services.objects)
    return await _answer_several(instances, services.objects)


async def _answer_several(instances: Sequence[FoundInstance], objects: ObjectStore) -> Response:
    """Send instances; those that are gone are found before long ones are sent, of short ones while the first are read."""
    if _is_worth_a_look(instances):
        return await _answer_present(instances, objects)
    try:
        return await _answer_parts(instances, objects)
    except (ObjectNotFoundError, ObjectChangedError):
        return await _answer_present(instances, objects)


def _is_worth_a_look(instances: Sequence[FoundInstance]) -> bool:
    """Tell whether instances are so long that a look for each, before they are sent, hardly delays them."""
    return sum(instance.location.length for instance in instances) >= _LONG * len(instances)


async def _answer_present(instances: Sequence[FoundInstance], objects: ObjectStore) -> Response:
    """Send those instances that are still there; that others are not is told, for the status cannot be taken back.

    Source: PS3.18 2024e §8.5.1, Table 8.5-1; RFC 7234 §5.5.7
    """
    present = await retrieve_present(instances, objects=objects)
    if not present:
        raise ObjectChangedError(
            "every instance was deleted or replaced since it was indexed; try again later"
        )
    response = await _answer_parts(present, objects)
    if missing := len(instances) - len(present):
        response.status_code = HTTPStatus.PARTIAL_CONTENT
        response.headers["Warning"] = f'299 - "{missing} of {len(instances)} instances could not be read"'
    return response


async def _answer_parts(instances: Sequence[FoundInstance], objects: ObjectStore) -> Response:
    boundary = new_boundary()
    heads = [_head(instance, boundary) for instance in instances]
    return await stream_response(
        multipart_body(_parts(heads, instances, objects), boundary),
        media_type=multipart_content_type(DICOM, boundary),
        length=multipart_length(heads, [instance.location.length for instance in instances], boundary),
    )


async def answer_metadata(
    req: Request, dialect: Dialect, ref: StudyRef | SeriesRef | InstanceRef
) -> Response:
    """Send the metadata of every instance of *ref*, compressed for who takes that, or 304.

    Source: PS3.18 2024e §10.4.1.1.2
    """
    choice = choose(req.headers.get("accept"), _METADATA, accept_parameter=req.query_params.get("accept"))
    services = await services_of(req, dialect)
    chunks = retrieve_metadata(
        ref, service_url=service_url(req, dialect, services.settings), index=services.index
    )
    headers = {"Vary": "Accept-Encoding"}
    if takes_gzip(req):
        chunks, headers["Content-Encoding"] = gzipped(chunks), "gzip"
    return await conditional_response(req, chunks, media_type=choice.offer.part_type, headers=headers)


async def _chosen_syntaxes(
    choice: Choice, instances: Sequence[FoundInstance], services: Services
) -> list[str]:
    """Return the transfer syntax to send each instance in. Who names none wants Explicit VR Little Endian."""
    wanted = choice.transfer_syntax or EXPLICIT_VR_LITTLE_ENDIAN
    if wanted == "*":
        return [instance.transfer_syntax_uid for instance in instances]
    others = [instance for instance in instances if instance.transfer_syntax_uid != wanted]
    if others:
        limit = services.settings.max_transcode_bytes
        await transcode_check(others, wanted, index=services.index, max_bytes=limit)
    return [wanted] * len(instances)


async def _answer_transcoded_parts(
    instances: Sequence[FoundInstance], syntaxes: Sequence[str], services: Services
) -> Response:
    """Send instances one after another, those transcoded whose turn it is; no length is known before."""
    boundary = new_boundary()

    async def parts() -> AsyncIterator[tuple[bytes, AsyncIterator[bytes]]]:
        for instance, syntax in zip(instances, syntaxes, strict=True):
            if instance.transfer_syntax_uid == syntax:
                length = instance.location.length
                content = read_instance(instance, 0, length, objects=services.objects)
                yield _head(instance, boundary), content
                continue
            headers = {
                "Content-Type": f"{DICOM}; transfer-syntax={syntax}",
                "Content-Location": instance.url,
            }
            yield part_head(boundary, headers), transcoded_content(instance, syntax, services)

    return await stream_response(
        multipart_body(parts(), boundary), media_type=multipart_content_type(DICOM, boundary)
    )


def _head(instance: FoundInstance, boundary: str) -> bytes:
    headers = {
        "Content-Type": f"{DICOM}; transfer-syntax={instance.transfer_syntax_uid}",
        "Content-Length": str(instance.location.length),
        "Content-Location": instance.url,
    }
    return part_head(boundary, headers)


async def _parts(
    heads: Sequence[bytes], instances: Sequence[FoundInstance], objects: ObjectStore
) -> AsyncIterator[tuple[bytes, AsyncIterator[bytes]]]:
    reading = read_instances(instances, objects=objects)
    remaining = iter(heads)
    try:
        async for _, content in reading:
            yield next(remaining), content
    finally:
        await close(reading)
