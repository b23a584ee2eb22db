"""Render every image of a study or series, or several frames of an instance, one after another."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from shared.dicom.references import InstanceRef
from shared.errors import FrameOutOfRangeError, NotAcceptableError
from shared.flows._records import Ref, records_of
from shared.flows._renderable import Kind, kind_of
from shared.flows._rendered_image import render_image
from shared.flows._urls import instance_url
from shared.pixels.decode_frame import can_decode
from shared.pixels.rendering_parameters import Rendering
from shared.ports.archive import InstanceIndex, ObjectStore
from shared.records import InstanceRecord
from shared.telemetry.tracing import flow


@dataclass(frozen=True, slots=True)
class RenderedPictures:
    """Pictures in the order of (series, instance, frame), each with its URL; how many instances there are and are left out."""

    pictures: AsyncIterator[tuple[str, bytes]]
    instances: int
    left_out: int


@flow
async def render_pictures(
    ref: Ref,
    frame_numbers: Sequence[int],
    *,
    media_type: str,
    rendering: Rendering,
    service_url: str,
    objects: ObjectStore,
    index: InstanceIndex,
) -> RenderedPictures:
    """Render the images of *ref*; each is made when it is asked for, so one is held at a time.

    Args:
        ref: A study, series or instance.
        frame_numbers: 1-based, of an instance; none for the frame that represents each.
        media_type: Of the pictures.
        rendering: What the client wants of them.
        service_url: Public root of the service, for the pictures' URLs.
        objects: Where the instances lie.
        index: Which knows where.

    Raises:
        NotFoundError: There is no such instance.
        FrameOutOfRangeError: It has no such frame.
        NotAcceptableError: None is an image that is decoded here.

    Source: PS3.18 2024e §10.4.1.1.3
    """
    shown: list[tuple[InstanceRef, int | None]] = []
    instances = left_out = 0
    async for record in records_of(index, ref):
        instances += 1
        if kind_of(record) is not Kind.IMAGE or not can_decode(record.transfer_syntax_uid):
            left_out += 1
            continue
        _check_frames(record, frame_numbers)
        shown += [(record.ref, number) for number in frame_numbers or (None,)]
    if not shown:
        raise NotAcceptableError(f"none of the {instances} instances has an image that is decoded here")

    async def pictures() -> AsyncIterator[tuple[str, bytes]]:
        for one, number in shown:
            record = await index.get(one)
            url = instance_url(service_url, one) + (f"/frames/{number}" if number is not None else "")
            yield f"{url}/rendered", await render_image(record, number, media_type, rendering, objects)

    return RenderedPictures(pictures(), instances, left_out)


def _check_frames(record: InstanceRecord, frame_numbers: Sequence[int]) -> None:
    count = record.layout.number_of_frames if record.layout is not None else 0
    if frame_numbers and max(frame_numbers) > count:
        raise FrameOutOfRangeError(
            f"instance {record.ref.sop_instance_uid} has {count} frames, and no frame {max(frame_numbers)}"
        )
