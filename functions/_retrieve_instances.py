"""Answer retrievals of whole instances and of metadata, in the form the client accepts."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from functions._compression import gzipped, takes_gzip
from functions._conditional import conditional_response
from functions._dialect import Dialect
from functions._dicomweb import DICOM_JSON, service_url, services_of
from functions._instance_collections import ZIP, Sent, answer_parts, answer_zip
from functions._retrieve_instance import DICOM, answer_stored_instance, answer_transcoded_instance
from shared.dicom.media_types import Choice, Offer, acceptable, choose
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.dicom.tags import EXPLICIT_VR_LITTLE_ENDIAN
from shared.errors import NotAcceptableError, ObjectChangedError, ObjectNotFoundError
from shared.flows.retrieve_instances import FoundInstance, retrieve_instances
from shared.flows.retrieve_metadata import retrieve_metadata
from shared.flows.retrieve_present import retrieve_present
from shared.flows.transcode_check import transcode_check
from shared.ports.archive import ObjectStore
from shared.services.services import Services

_METADATA: Final = (Offer(DICOM_JSON), Offer("application/json"))
_ONE: Final = (Offer(DICOM), Offer(DICOM, multipart=True), Offer(ZIP))
_SEVERAL: Final = (Offer(DICOM, multipart=True), Offer(ZIP))
_LONG: Final = 256 * 1024
"""Bytes from which an instance takes so long to send that looking for it first is no matter."""

type _Answer = Callable[[Sequence[Sent], Sequence[FoundInstance]], Awaitable[Response]]
"""Given the instances to send and those that are missing, it sends them."""


async def answer_instances(
    req: Request, dialect: Dialect, ref: StudyRef | SeriesRef | InstanceRef
) -> Response:
    """Send the instances of *ref*: one alone if it was asked for by itself, else as parts; or as a ZIP.

    Raises:
        NotAcceptableError: The client wants another form or transfer syntax than there is.

    Source: PS3.18 2024e §10.4.1.1 and §8.7.3
    """
    offers = _ONE if isinstance(ref, InstanceRef) else _SEVERAL
    choices = acceptable(req.headers.get("accept"), offers, accept_parameter=req.query_params.get("accept"))
    services = await services_of(req, dialect)
    root = service_url(req, dialect, services.settings)
    found = await retrieve_instances(ref, service_url=root, index=services.index)
    choice, instances = await _chosen(choices, found, services)
    if choice.offer == Offer(DICOM):
        [one] = instances
        if one.is_stored:
            return await answer_stored_instance(req, one.instance, services.objects)
        return await answer_transcoded_instance(req, one.instance, one.transfer_syntax_uid, services)

    async def answer(present: Sequence[Sent], missing: Sequence[FoundInstance]) -> Response:
        if choice.offer.multipart:
            return await answer_parts(present, services)
        return await answer_zip(ref, present, services, missing=missing)

    if len(instances) == 1:
        return await answer(instances, ())
    return await _answer_several(instances, services.objects, answer)


async def _answer_several(instances: Sequence[Sent], objects: ObjectStore, answer: _Answer) -> Response:
    """Send instances; those that are gone are found before long ones are sent, of short ones while the first are read."""
    if _is_worth_a_look(instances):
        return await _answer_present(instances, objects, answer)
    try:
        return await answer(instances, ())
    except (ObjectNotFoundError, ObjectChangedError):
        return await _answer_present(instances, objects, answer)


def _is_worth_a_look(instances: Sequence[Sent]) -> bool:
    """Tell whether instances are so long that a look for each, before they are sent, hardly delays them."""
    return sum(sent.instance.location.length for sent in instances) >= _LONG * len(instances)


async def _answer_present(instances: Sequence[Sent], objects: ObjectStore, answer: _Answer) -> Response:
    """Send those instances that are still there; that others are not is told, for the status cannot be taken back.

    Source: PS3.18 2024e §8.5.1, Table 8.5-1; RFC 7234 §5.5.7
    """
    there = {
        one.ref for one in await retrieve_present([sent.instance for sent in instances], objects=objects)
    }
    present = [sent for sent in instances if sent.instance.ref in there]
    missing = [sent.instance for sent in instances if sent.instance.ref not in there]
    if not present:
        raise ObjectChangedError(
            "every instance was deleted or replaced since it was indexed; try again later"
        )
    response = await answer(present, missing)
    if missing:
        response.status_code = HTTPStatus.PARTIAL_CONTENT
        response.headers["Warning"] = (
            f'299 - "{len(missing)} of {len(instances)} instances could not be read"'
        )
    return response


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


async def _chosen(
    choices: Sequence[Choice], found: Sequence[FoundInstance], services: Services
) -> tuple[Choice, list[Sent]]:
    """Return the first choice that all instances can be had in, with them; of none, why the first one is not.

    Source: PS3.18 2024e §8.7.8
    """
    refused: list[NotAcceptableError] = []
    for choice in choices:
        try:
            return choice, await _in_chosen_syntax(choice, found, services)
        except NotAcceptableError as error:
            refused.append(error)
    raise refused[0]


async def _in_chosen_syntax(
    choice: Choice, instances: Sequence[FoundInstance], services: Services
) -> list[Sent]:
    """Tell which transfer syntax to send each instance in. Who names none wants Explicit VR Little Endian."""
    wanted = choice.transfer_syntax or EXPLICIT_VR_LITTLE_ENDIAN
    if wanted == "*":
        return [Sent(instance, instance.transfer_syntax_uid) for instance in instances]
    others = [instance for instance in instances if instance.transfer_syntax_uid != wanted]
    if others:
        limit = services.settings.max_transcode_bytes
        await transcode_check(others, wanted, index=services.index, max_bytes=limit)
    return [Sent(instance, wanted) for instance in instances]
