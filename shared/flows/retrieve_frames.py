"""Retrieve frames as they are stored: one read of the index, and one range read for frames that lie together."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.dicom.frames import frame_bytes
from shared.dicom.pixel_layout import PixelLayout, frame_span
from shared.dicom.references import InstanceRef
from shared.errors import NotAcceptableError, NotFoundError
from shared.flows._instance_bytes import inflate_instance, read_bytes
from shared.flows._urls import instance_url
from shared.ports.archive import InstanceIndex, ObjectStore
from shared.records import ObjectLocation
from shared.telemetry.tracing import flow

_MAX_GAP: Final = 64 * 1024
"""Bytes between two frames that are rather read over than left for a read of their own."""
_MAX_READ: Final = 8 * 1024 * 1024
"""Bytes of several frames that are read at once; a single frame may be longer."""


MAX_FRAME_LENGTH: Final = 256 * 1024 * 1024
"""Bytes of a frame that are held in memory."""


@dataclass(frozen=True, slots=True)
class RetrievedFrames:
    """Frames in the order asked for: where each is, how they are encoded, their length in bytes, their content."""

    urls: Sequence[str]
    transfer_syntax_uid: str
    length: int | None
    """Of each frame; None where frames are compressed, so that each has its own."""
    content: AsyncIterator[bytes]
    """One item a frame."""


@flow
async def retrieve_frames(
    ref: InstanceRef,
    frame_numbers: Sequence[int],
    *,
    service_url: str,
    objects: ObjectStore,
    index: InstanceIndex,
) -> RetrievedFrames:
    """Find frames of an instance.

    Args:
        ref: The instance.
        frame_numbers: 1-based, in any order, also repeated.
        service_url: Public root of the service, for the frames' URLs.
        objects: Where the instance lies.
        index: Which knows where.

    Raises:
        InstanceNotFoundError: There is no such instance.
        NotFoundError: It has no pixel data.
        FrameOutOfRangeError: It has no frame of such a number.
        DamagedDicomError: Its pixel data is too short, or nothing tells its frames apart.
        NotAcceptableError: A frame is too long to be sent by itself.

    Source: PS3.18 2024e §10.4.1.1.6
    """
    record = await index.get(ref)
    layout = record.layout
    if layout is None:
        raise NotFoundError(f"instance {ref.sop_instance_uid} has no pixel data")
    runs = _runs(layout, frame_numbers)
    url = instance_url(service_url, ref)
    return RetrievedFrames(
        urls=[f"{url}/frames/{frame_number}" for frame_number in frame_numbers],
        transfer_syntax_uid=record.transfer_syntax_uid,
        length=None if layout.encapsulated else layout.frame_length,
        content=_read(objects, record.location, layout, runs),
    )


@dataclass(slots=True)
class _Run:
    """Frames that follow each other closely enough to be read at once: the bytes [start, end)."""

    start: int
    end: int
    frame_numbers: list[int]

    def takes(self, start: int, end: int) -> bool:
        """Tell whether a frame may join; bit-packed frames share a byte, so it may begin before the run ends."""
        return (
            self.start <= start <= self.end + _MAX_GAP and self.end <= end and end - self.start <= _MAX_READ
        )


def _runs(layout: PixelLayout, frame_numbers: Sequence[int]) -> list[_Run]:
    runs: list[_Run] = []
    for frame_number in frame_numbers:
        start, end = frame_span(layout, frame_number)
        if end - start > MAX_FRAME_LENGTH:
            raise NotAcceptableError(
                f"frame {frame_number} has {end - start} bytes, and at most {MAX_FRAME_LENGTH} are sent by themselves;"
                " retrieve the instance"
            )
        if runs and runs[-1].takes(start, end):
            runs[-1].end = end
            runs[-1].frame_numbers.append(frame_number)
        else:
            runs.append(_Run(start, end, [frame_number]))
    return runs


async def _read(
    objects: ObjectStore, location: ObjectLocation, layout: PixelLayout, runs: Sequence[_Run]
) -> AsyncIterator[bytes]:
    inflated = None
    if layout.deflated_offset is not None:
        inflated = await inflate_instance(objects, location)
    for run in runs:
        if inflated is None:
            data = await read_bytes(objects, location, run.start, run.end)
        else:
            data = inflated[run.start : run.end]
        for frame_number in run.frame_numbers:
            start, end = frame_span(layout, frame_number)
            yield frame_bytes(layout, frame_number, data[start - run.start : end - run.start])
