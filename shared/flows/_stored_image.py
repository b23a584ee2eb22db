"""Read one frame of an instance with all that is needed to understand its pixels. It decodes nothing."""

import binascii
from dataclasses import dataclass
from typing import Any, Final

from shared.dicom.frames import frame_bytes
from shared.dicom.pixel_layout import PixelLayout, frame_span
from shared.dicom.tags import EXPLICIT_VR_BIG_ENDIAN
from shared.errors import NotAcceptableError, NotFoundError
from shared.flows._instance_bytes import inflate_instance, read_bytes
from shared.flows._pixel_attributes import pixel_attributes
from shared.pixels.image_attributes import (
    MAX_FRAME_BYTES,
    ImageAttributes,
    first_integer,
    frame_attributes,
)
from shared.pixels.lookup_tables import MAX_TABLE_BYTES
from shared.ports import ObjectStore
from shared.records import InstanceRecord, Json

_PALETTES: Final = ("00281201", "00281202", "00281203", "00281221", "00281222", "00281223")
_SEQUENCES: Final = ("00283000", "00283010")
_LUT_DATA: Final = "00283006"
_TOMOSYNTHESIS: Final = "1.2.840.10008.5.1.4.1.1.13.1.3"


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A frame as it is stored, and how it is to be understood."""

    frame: bytes
    image: ImageAttributes
    attributes: Any
    """That hold for the frame, as DICOM JSON; lookup tables stand in it."""
    transfer_syntax_uid: str
    byte_order: str


async def read_stored_image(
    objects: ObjectStore, record: InstanceRecord, frame_number: int | None
) -> StoredImage:
    """Read a frame.

    Args:
        objects: Where the instance lies.
        record: Of the instance.
        frame_number: 1-based; None for the frame that represents the instance: the one it names itself, else the
            middle one of a tomosynthesis, else the first.

    Raises:
        NotFoundError: The instance has no pixel data.
        FrameOutOfRangeError: It has no such frame.
        DamagedDicomError: Its attributes or its pixel data make no image.
        NotAcceptableError: The frame is too large.

    Source: PS3.3 2024e §C.7.6.6.1.1 and §C.7.6.16.1.4
    """
    import orjson

    layout = record.layout
    if layout is None:
        raise NotFoundError(f"instance {record.ref.sop_instance_uid} has no pixel data")
    attributes: Json = orjson.loads(record.metadata)
    image = pixel_attributes(record, layout, attributes)
    number = frame_number or _representative_frame(attributes, record.sop_class_uid, layout)
    frame, inflated = await _read_frame(objects, record, layout, number)
    await _add_tables(attributes, objects, record, inflated)
    return StoredImage(
        frame=frame,
        image=image,
        attributes=frame_attributes(attributes, number),
        transfer_syntax_uid=record.transfer_syntax_uid,
        byte_order=">" if record.transfer_syntax_uid == EXPLICIT_VR_BIG_ENDIAN else "<",
    )


def _representative_frame(attributes: Json, sop_class_uid: str, layout: PixelLayout) -> int:
    named = first_integer(attributes, "00286010")
    if named is not None and 1 <= named <= layout.number_of_frames:
        return named
    return (layout.number_of_frames + 1) // 2 if sop_class_uid == _TOMOSYNTHESIS else 1


async def _read_frame(
    objects: ObjectStore, record: InstanceRecord, layout: PixelLayout, frame_number: int
) -> tuple[bytes, bytes | None]:
    """Return the bytes of a frame, and of the inflated data set if it had to be inflated for them."""
    start, end = frame_span(layout, frame_number)
    if end - start > MAX_FRAME_BYTES:
        raise NotAcceptableError(
            f"frame {frame_number} has {end - start} bytes, and {MAX_FRAME_BYTES} are decoded at most;"
            " retrieve it with transfer-syntax=* to have it as it is stored"
        )
    inflated = None
    if layout.deflated_offset is None:
        data = await read_bytes(objects, record.location, start, end)
    else:
        inflated = await inflate_instance(objects, record.location)
        data = inflated[start:end]
    return frame_bytes(layout, frame_number, data), inflated


async def _add_tables(
    attributes: Json, objects: ObjectStore, record: InstanceRecord, inflated: bytes | None
) -> None:
    """Put lookup tables, which the metadata only names when they are large, where the attributes name them."""
    places = dict.fromkeys(_PALETTES, attributes) | {
        f"{sequence}/0/{_LUT_DATA}": (attributes[sequence].get("Value") or [{}])[0]
        for sequence in _SEQUENCES
        if sequence in attributes
    }
    for path, place in places.items():
        span = record.bulk_data.get(path)
        if span is None or span.length > MAX_TABLE_BYTES:
            continue
        if inflated is None:
            data = await read_bytes(objects, record.location, span.offset, span.offset + span.length)
        else:
            data = inflated[span.offset : span.offset + span.length]
        place[path.rpartition("/")[2]] = {
            "vr": span.vr,
            "InlineBinary": binascii.b2a_base64(data, newline=False).decode(),
        }
