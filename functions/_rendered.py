"""Answer with what a browser shows: rendered images, documents and videos, and thumbnails."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from functions._conditional import conditional_response
from functions._dialect import Dialect
from functions._dicomweb import service_url, services_of
from functions._frame_numbers import parse_frame_numbers
from functions._multipart import multipart_body
from functions._streaming import close, stream_response
from shared.dicom.media_types import Offer, choose
from shared.dicom.multipart_writer import multipart_content_type, new_boundary, part_head
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.errors import InvalidQueryError, InvalidRequestError, NotAcceptableError
from shared.flows.render_pictures import render_pictures
from shared.flows.render_resource import render_resource
from shared.flows.thumbnail_resource import MAX_SIDE, thumbnail_resource
from shared.pixels.picture import JPEG, PNG
from shared.pixels.rendering_parameters import Rendering, Viewport, parse_rendering

_ALONE: Final = (JPEG, PNG, "application/pdf", "video/mp4", "video/mpeg")
_FRAME_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


async def answer_rendered(
    req: Request, dialect: Dialect, ref: StudyRef | SeriesRef | InstanceRef, frames: str | None = None
) -> Response:
    """Send what *ref* names as a picture, or as the document or video it is; each of its images to who accepts parts.

    Args:
        req: The request.
        dialect: Of its root.
        ref: A study, series or instance.
        frames: 1-based numbers of frames of the instance, separated by commas.

    Raises:
        InvalidRequestError: That is not what *frames* are, or a parameter has no meaning.
        NotAcceptableError: There is nothing to show, or not in a form that the client takes.

    Source: PS3.18 2024e §10.4.1.1.3
    """
    frame_numbers = [] if frames is None else parse_frame_numbers(frames)
    rendering = parse_rendering(req.query_params)
    if (media_type := _type_of_parts(req, several=len(frame_numbers) > 1)) is not None:
        return await _answer_parts(
            req, dialect, ref, frame_numbers, rendering=rendering, media_type=media_type
        )

    def choose_media_type(offered: Sequence[str]) -> str:
        offers = [Offer(media_type) for media_type in offered]
        choice = choose(req.headers.get("accept"), offers, accept_parameter=req.query_params.get("accept"))
        return choice.offer.part_type

    services = await services_of(req, dialect)
    rendered = await render_resource(
        ref,
        frame_numbers[0] if frame_numbers else None,
        choose_media_type=choose_media_type,
        rendering=rendering,
        objects=services.objects,
        index=services.index,
    )
    if rendered.media_type.startswith("image/"):
        return await conditional_response(req, rendered.content, media_type=rendered.media_type)
    return await stream_response(rendered.content, media_type=rendered.media_type, length=rendered.length)


def _type_of_parts(req: Request, *, several: bool) -> str | None:
    """Return the type of the parts if pictures are to be sent as parts, or None if one alone is.

    Raises:
        NotAcceptableError: There are several, and the client takes no parts.
    """
    parts = [Offer(JPEG, multipart=True), Offer(PNG, multipart=True)]
    offers = parts if several else [*map(Offer, _ALONE), *parts]
    try:
        choice = choose(req.headers.get("accept"), offers, accept_parameter=req.query_params.get("accept"))
    except NotAcceptableError:
        if several:
            raise
        return None  # what there is tells what could be asked for
    return choice.offer.part_type if choice.offer.multipart else None


async def _answer_parts(
    req: Request,
    dialect: Dialect,
    ref: StudyRef | SeriesRef | InstanceRef,
    frame_numbers: Sequence[int],
    *,
    rendering: Rendering,
    media_type: str,
) -> Response:
    """Send the images of *ref* as pictures, each as a part; 206 with a Warning if some instances are no such image.

    Source: PS3.18 2024e §10.4.1.1.3 and §8.5.1, Table 8.5-1
    """
    services = await services_of(req, dialect)
    rendered = await render_pictures(
        ref,
        frame_numbers,
        media_type=media_type,
        rendering=rendering,
        service_url=service_url(req, dialect, services.settings),
        objects=services.objects,
        index=services.index,
    )
    boundary = new_boundary()

    async def parts() -> AsyncIterator[tuple[bytes, AsyncIterator[bytes]]]:
        try:
            async for url, picture in rendered.pictures:
                headers = {
                    "Content-Type": media_type,
                    "Content-Length": str(len(picture)),
                    "Content-Location": url,
                }
                yield part_head(boundary, headers), _once(picture)
        finally:
            await close(rendered.pictures)

    response = await stream_response(
        multipart_body(parts(), boundary), media_type=multipart_content_type(media_type, boundary)
    )
    if rendered.left_out:
        response.status_code = HTTPStatus.PARTIAL_CONTENT
        response.headers["Warning"] = (
            f'299 - "{rendered.left_out} of {rendered.instances} instances are not shown as pictures"'
        )
    return response


async def answer_thumbnail(
    req: Request, dialect: Dialect, ref: StudyRef | SeriesRef | InstanceRef, frame: str | None = None
) -> Response:
    """Send a small JPEG that stands for what *ref* names.

    Args:
        req: The request.
        dialect: Of its root.
        ref: A study, series or instance.
        frame: 1-based number of one frame of the instance.

    Raises:
        InvalidRequestError: That is not what *frame* is, or the viewport is none or too large.
        NotAcceptableError: The client takes no JPEG.

    Source: PS3.18 2024e §10.4.1.1.4
    """
    frame_number = _one_frame_number(frame)
    viewport = _thumbnail_viewport(req.query_params)
    choose(req.headers.get("accept"), [Offer(JPEG)], accept_parameter=req.query_params.get("accept"))
    services = await services_of(req, dialect)
    thumbnail = await thumbnail_resource(
        ref,
        frame_number,
        viewport=viewport,
        objects=services.objects,
        index=services.index,
        container=services.settings.derived_container,
        partition=services.partition,
    )
    return await conditional_response(req, _once(thumbnail), media_type=JPEG)


def _one_frame_number(text: str | None) -> int | None:
    if text is None:
        return None
    if _FRAME_NUMBER.fullmatch(text) is None:
        raise InvalidRequestError("one frame is shown at a time, named by its number from 1")
    return int(text)


def _thumbnail_viewport(parameters: Mapping[str, str]) -> Viewport | None:
    """Return the viewport of a thumbnail: a size only, and no larger than thumbnails are.

    Source: PS3.18 2024e §8.3.5.1.3
    """
    if "viewport" not in parameters:
        return None
    viewport = parse_rendering({"viewport": parameters["viewport"]}).viewport
    if viewport is None or viewport != Viewport(viewport.width, viewport.height):
        raise InvalidQueryError("the viewport of a thumbnail is width,height")
    if max(viewport.width, viewport.height) > MAX_SIDE:
        raise InvalidQueryError(f"the viewport of a thumbnail has sides from 1 to {MAX_SIDE}")
    return viewport


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
