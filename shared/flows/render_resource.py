"""Render an instance, a frame, or the image that stands for a series or study, as what a browser shows."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from shared.errors import NotAcceptableError
from shared.flows._records import Ref
from shared.flows._renderable import Kind, kind_of, representative
from shared.flows._rendered_document import DOCUMENT_TYPES, read_document
from shared.flows._rendered_image import render_image
from shared.flows._rendered_video import read_video, video_types
from shared.pixels.picture import JPEG, PNG
from shared.pixels.rendering_parameters import Rendering
from shared.ports.archive import InstanceIndex, ObjectStore
from shared.telemetry.tracing import flow

_PICTURES: Final = (JPEG, PNG)

type ChooseMediaType = Callable[[Sequence[str]], str]
"""Given the media types there are, the preferred first, it returns the one to answer with, or raises."""


@dataclass(frozen=True, slots=True)
class RenderedResource:
    """What is shown: its media type, its length in bytes where that is known, its content."""

    media_type: str
    length: int | None
    content: AsyncIterator[bytes]


@flow
async def render_resource(
    ref: Ref,
    frame_number: int | None,
    *,
    choose_media_type: ChooseMediaType,
    rendering: Rendering,
    objects: ObjectStore,
    index: InstanceIndex,
) -> RenderedResource:
    """Render what *ref* names: an image as a picture, a document or a video as it is encapsulated.

    Of a study or series one picture stands for all: its first image by series and instance UID. `render_pictures` has
    them all.

    Args:
        ref: A study, series or instance.
        frame_number: 1-based, of an instance; None for the frame that represents it.
        choose_media_type: What the client accepts.
        rendering: What it wants of a picture.
        objects: Where the instance lies.
        index: Which knows where.

    Raises:
        NotFoundError: There is no such instance.
        FrameOutOfRangeError: It has no such frame.
        NotAcceptableError: It cannot be shown, or not as the client accepts it.
        InvalidRequestError: A parameter of the rendering does not fit the image.
        DamagedDicomError: It cannot be decoded.

    Source: PS3.18 2024e §10.4.1.1.3 and §8.7.4
    """
    record = await representative(index, ref)
    kind = Kind.IMAGE if frame_number is not None else kind_of(record)
    match kind:
        case Kind.IMAGE:
            media_type = choose_media_type(_PICTURES)
            picture = await render_image(record, frame_number, media_type, rendering, objects)
            return RenderedResource(media_type, len(picture), _once(picture))
        case Kind.DOCUMENT:
            document = await read_document(objects, record)
            media_type = choose_media_type(DOCUMENT_TYPES)
            return RenderedResource(media_type, document.length, document.content)
        case Kind.VIDEO:
            media_type = choose_media_type(await video_types(objects, record))
            return RenderedResource(media_type, None, read_video(objects, record))
        case Kind.NOTHING:
            raise NotAcceptableError(
                f"instance {record.ref.sop_instance_uid} has no image, document or video to be shown;"
                " retrieve its metadata instead"
            )


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
