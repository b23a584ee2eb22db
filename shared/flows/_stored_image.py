"""Read one frame of an instance with all that is needed to understand its pixels. It decodes nothing."""

import binascii
from dataclasses import dataclass
from typing import Any, Final

from shared.dicom.frames import frame_bytes
from shared.dicom.pixel_layout import PixelLayout, frame_span
from shared.dicom.tags import EXPLICIT_VR_BIG_ENDIAN
from shared.errors import NotAcceptableError, NotFoundError
from shared.flows._instance_bytes import ReadsRanges, inflate_instance, read_bytes
from shared.flows._pixel_attributes import pixel_attributes
from shared.pixels.image_attributes import (
    MAX_FRAME_BYTES,
    Attributes,
    ImageAttributes,
    first_integer,
    frame_attributes,
)
from shared.pixels.lookup_tables import MAX_TABLE_BYTES
from shared.records import BulkDataSpan, InstanceRecord, Json

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
    objects: ReadsRanges, record: InstanceRecord, frame_number: int | None, *, every_preset: bool = False
) -> StoredImage:
    """Read a frame: one read of the object, and one more for each large lookup table.

    Args:
        objects: Where the instance lies.
        record: Of the instance.
        frame_number: 1-based; None for the frame that represents the instance: the one it names itself, else the
            middle one of a tomosynthesis, else the first.
        every_preset: Whether to read the tables of all its presets, rather than the first's.

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
    number = frame_number or representative_frame(record, attributes)
    frame, inflated = await _read_frame(objects, record, layout, number)
    await _add_tables(attributes, objects, record, inflated, every_preset=every_preset)
    return StoredImage(
        frame=frame,
        image=image,
        attributes=frame_attributes(attributes, number),
        transfer_syntax_uid=record.transfer_syntax_uid,
        byte_order=">" if record.transfer_syntax_uid == EXPLICIT_VR_BIG_ENDIAN else "<",
    )


def representative_frame(record: InstanceRecord, attributes: Attributes) -> int:
    """Return the number of the frame that represents an instance, from 1; see read_stored_image."""
    frames = 1 if record.layout is None else record.layout.number_of_frames
    named = first_integer(attributes, "00286010")
    if named is not None and 1 <= named <= frames:
        return named
    return (frames + 1) // 2 if record.sop_class_uid == _TOMOSYNTHESIS else 1


def spans_of_stored_image(record: InstanceRecord) -> list[tuple[int, int]]:
    """Return the bytes [start, end) of an instance that read_stored_image reads of the frame that represents it.

    Raises:
        DamagedDicomError: Its pixel data is too short, or nothing tells its frames apart.
    """
    import orjson

    layout = record.layout
    if layout is None:
        return []
    if layout.deflated_offset is not None:
        return [(0, record.location.length)]
    attributes: Json = orjson.loads(record.metadata)
    tables = [span for _, _, span in _tables(attributes, record)]
    return [
        frame_span(layout, representative_frame(record, attributes)),
        *((span.offset, span.offset + span.length) for span in tables),
    ]


async def _read_frame(
    objects: ReadsRanges, record: InstanceRecord, layout: PixelLayout, frame_number: int
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
    attributes: Json,
    objects: ReadsRanges,
    record: InstanceRecord,
    inflated: bytes | None,
    *,
    every_preset: bool,
) -> None:
    """Put lookup tables, which the metadata only names when they are large, where the attributes name them."""
    for tag, place, span in _tables(attributes, record, every_preset=every_preset):
        if inflated is None:
            data = await read_bytes(objects, record.location, span.offset, span.offset + span.length)
        else:
            data = inflated[span.offset : span.offset + span.length]
        place[tag] = {
            "vr": span.vr,
            "InlineBinary": binascii.b2a_base64(data, newline=False).decode(),
        }


def _tables(
    attributes: Json, record: InstanceRecord, *, every_preset: bool = False
) -> list[tuple[str, Json, BulkDataSpan]]:
    """Return tag, data set and bytes of each lookup table that the metadata only names."""
    places: dict[str, Json] = dict.fromkeys(_PALETTES, attributes)
    for sequence in _SEQUENCES:
        values = attributes.get(sequence, {}).get("Value") or [{}]
        for number, item in enumerate(values if every_preset else values[:1]):
            places[f"{sequence}/{number}/{_LUT_DATA}"] = item
    return [
        (path.rpartition("/")[2], place, record.bulk_data[path])
        for path, place in places.items()
        if path in record.bulk_data and record.bulk_data[path].length <= MAX_TABLE_BYTES
    ]
