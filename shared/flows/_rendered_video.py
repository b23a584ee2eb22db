"""Read the stream of a video as it is stored. Nothing is decoded."""

from collections.abc import AsyncIterator, Sequence
from struct import Struct
from typing import Final

from shared.dicom.pixel_layout import frame_span
from shared.dicom.tags import ITEM
from shared.errors import DamagedDicomError, NotAcceptableError, NotFoundError
from shared.flows._instance_bytes import read_bytes, stream_bytes
from shared.ports.archive import ObjectStore
from shared.records import InstanceRecord

_ITEM_HEADER: Final = Struct("<HHL")
_MPEG_STARTS: Final = (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"\x47")


async def video_types(objects: ObjectStore, record: InstanceRecord) -> Sequence[str]:
    """Return the media types of a video's stream, by how it begins.

    Raises:
        NotAcceptableError: It is in no container that a player takes.

    Source: PS3.5 2024e §8.2.5 to §8.2.8
    """
    start, end = _span(record)
    first = (await read_bytes(objects, record.location, start, min(end, start + 20)))[_ITEM_HEADER.size :]
    if first[4:8] == b"ftyp":
        return ("video/mp4",)
    if first.startswith(_MPEG_STARTS):
        return ("video/mpeg",)
    raise NotAcceptableError(
        f"the video of instance {record.ref.sop_instance_uid} is in no container that a player takes;"
        " retrieve frame 1 with transfer-syntax=* to have it as it is stored"
    )


async def read_video(objects: ObjectStore, record: InstanceRecord) -> AsyncIterator[bytes]:
    """Yield the stream of a video, its fragments joined; never more of it than a chunk is held."""
    start, end = _span(record)
    while start + _ITEM_HEADER.size <= end:
        header = await read_bytes(objects, record.location, start, start + _ITEM_HEADER.size)
        group, number, length = _ITEM_HEADER.unpack(header)
        start += _ITEM_HEADER.size
        if group << 16 | number != ITEM or start + length > end:
            raise DamagedDicomError(f"the video of instance {record.ref.sop_instance_uid} is damaged")
        async for chunk in stream_bytes(objects, record.location, start, start + length):
            yield chunk
        start += length


def _span(record: InstanceRecord) -> tuple[int, int]:
    if record.layout is None or not record.layout.encapsulated:
        raise NotFoundError(f"instance {record.ref.sop_instance_uid} has no video stream")
    return frame_span(record.layout, 1)
