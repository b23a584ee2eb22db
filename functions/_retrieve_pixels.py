"""Answer retrievals of frames and of bulk data, in the form the client accepts."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from functions._dialect import Dialect
from functions._dicomweb import service_url, services_of
from functions._frame_numbers import parse_frame_numbers
from functions._multipart import multipart_body, multipart_length
from functions._streaming import close, stream_response
from shared.dicom.frame_media_types import BYTES, frame_offers, frame_syntax
from shared.dicom.media_types import Choice, Offer, acceptable, choose
from shared.dicom.multipart_writer import multipart_content_type, new_boundary, part_head
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.dicom.tags import DEFLATED_TRANSFER_SYNTAXES, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from shared.errors import NotAcceptableError
from shared.flows.list_bulkdata import list_bulkdata
from shared.flows.retrieve_bulkdata import retrieve_bulkdata
from shared.flows.retrieve_frames import retrieve_frames
from shared.flows.transcode_frames import transcode_frames
from shared.pixels.transcode_file import TARGETS

_VALUE: Final = (Offer(BYTES), Offer(BYTES, multipart=True))
_FRAMES_AS_IN_EXPLICIT: Final = DEFLATED_TRANSFER_SYNTAXES | {IMPLICIT_VR_LITTLE_ENDIAN}
"""Their native frames are, byte for byte, those of Explicit VR Little Endian."""


async def answer_frames(req: Request, dialect: Dialect, ref: InstanceRef, numbers: str) -> Response:
    """Send frames as they are stored or decoded, in the order asked for; one alone if the client prefers that.

    Args:
        req: The request.
        dialect: Of its root.
        ref: The instance.
        numbers: 1-based frame numbers, separated by commas.

    Raises:
        InvalidRequestError: That is not what *numbers* are.
        NotAcceptableError: The client wants another form or transfer syntax than there is.

    Source: PS3.18 2024e §10.4.1.1.6 and §8.7.3.5
    """
    frame_numbers = parse_frame_numbers(numbers)
    services = await services_of(req, dialect)
    frames = await retrieve_frames(
        ref,
        frame_numbers,
        service_url=service_url(req, dialect, services.settings),
        objects=services.objects,
        index=services.index,
    )
    offers = frame_offers(frames.transfer_syntax_uid, several=len(frame_numbers) > 1)
    choices = acceptable(req.headers.get("accept"), offers, accept_parameter=req.query_params.get("accept"))
    choice, wanted = _chosen(choices, frames.transfer_syntax_uid, ref)
    if wanted == EXPLICIT_VR_LITTLE_ENDIAN and frames.transfer_syntax_uid in _FRAMES_AS_IN_EXPLICIT:
        frames = replace(frames, transfer_syntax_uid=wanted)
    elif wanted != frames.transfer_syntax_uid:
        limit = services.settings.max_transcode_bytes
        frames = await transcode_frames(ref, frames, wanted, index=services.index, max_bytes=limit)
    part_type = f"{choice.offer.part_type}; transfer-syntax={frames.transfer_syntax_uid}"
    if not choice.offer.multipart:
        return await stream_response(frames.content, media_type=part_type, length=frames.length)
    boundary = new_boundary()
    heads = [part_head(boundary, {"Content-Type": part_type, "Content-Location": url}) for url in frames.urls]
    length = None
    if frames.length is not None:
        length = multipart_length(heads, [frames.length] * len(heads), boundary)
    return await stream_response(
        multipart_body(_parts(heads, frames.content), boundary),
        media_type=multipart_content_type(choice.offer.part_type, boundary),
        length=length,
    )


async def answer_bulkdata(req: Request, dialect: Dialect, ref: InstanceRef, path: str) -> Response:
    """Send one value as it is stored.

    Args:
        req: The request.
        dialect: Of its root.
        ref: The instance.
        path: What follows `bulkdata/` in the URI.

    Source: PS3.18 2024e §10.4.1.1.5
    """
    choice = choose(req.headers.get("accept"), _VALUE, accept_parameter=req.query_params.get("accept"))
    services = await services_of(req, dialect)
    value = await retrieve_bulkdata(
        ref,
        path,
        service_url=service_url(req, dialect, services.settings),
        objects=services.objects,
        index=services.index,
    )
    if not choice.offer.multipart:
        return await stream_response(value.content, media_type=BYTES, length=value.length)
    boundary = new_boundary()
    head = part_head(boundary, {"Content-Type": BYTES, "Content-Location": value.url})
    return await stream_response(
        multipart_body(_only(head, value.content), boundary),
        media_type=multipart_content_type(BYTES, boundary),
        length=multipart_length([head], [value.length], boundary),
    )


async def answer_all_bulkdata(
    req: Request, dialect: Dialect, ref: StudyRef | SeriesRef | InstanceRef
) -> Response:
    """Send every value that the metadata of *ref* only names, each as a part with its URI.

    Source: PS3.18 2024e §10.4.3.3.5
    """
    choose(
        req.headers.get("accept"),
        [Offer(BYTES, multipart=True)],
        accept_parameter=req.query_params.get("accept"),
    )
    services = await services_of(req, dialect)
    root = service_url(req, dialect, services.settings)
    listed = await list_bulkdata(ref, service_url=root, index=services.index)
    boundary = new_boundary()
    heads = [part_head(boundary, {"Content-Type": BYTES, "Content-Location": one.url}) for one in listed]

    async def parts() -> AsyncIterator[tuple[bytes, AsyncIterator[bytes]]]:
        for head, one in zip(heads, listed, strict=True):
            value = await retrieve_bulkdata(
                one.ref, one.path, service_url=root, objects=services.objects, index=services.index
            )
            yield head, value.content

    return await stream_response(
        multipart_body(parts(), boundary),
        media_type=multipart_content_type(BYTES, boundary),
        length=multipart_length(heads, [one.length for one in listed], boundary),
    )


def _chosen(choices: Sequence[Choice], stored: str, ref: InstanceRef) -> tuple[Choice, str]:
    """Return the first choice that frames can be had in, and the transfer syntax to send them in.

    Source: PS3.18 2024e §8.7.8
    """
    for choice in choices:
        wanted = frame_syntax(choice, stored)
        if wanted is not None and (wanted == stored or wanted in TARGETS):
            return choice, wanted
    raise NotAcceptableError(
        f"instance {ref.sop_instance_uid} is stored in {stored} and its frames are not transcoded to what is"
        " accepted; ask for transfer-syntax=*"
    )


async def _parts(
    heads: list[bytes], frames: AsyncIterator[bytes]
) -> AsyncIterator[tuple[bytes, AsyncIterator[bytes]]]:
    remaining = iter(heads)
    try:
        async for frame in frames:
            yield next(remaining), _once(frame)
    finally:
        await close(frames)


async def _only(
    head: bytes, content: AsyncIterator[bytes]
) -> AsyncIterator[tuple[bytes, AsyncIterator[bytes]]]:
    try:
        yield head, content
    finally:
        await close(content)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
