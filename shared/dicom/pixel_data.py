"""Lay out the pixel data that a scan came to: native by arithmetic, encapsulated by its fragments. No pixels are read."""

from typing import Final

from shared.dicom.byte_window import ByteWindow
from shared.dicom.elements import DataSet, Element, integer_of
from shared.dicom.encapsulation import read_frame_table
from shared.dicom.limits import MAX_FRAGMENTS
from shared.dicom.pixel_layout import PixelLayout
from shared.dicom.scan_levels import PixelDataFound
from shared.dicom.tags import (
    BITS_ALLOCATED,
    COLUMNS,
    EXTENDED_OFFSET_TABLE,
    EXTENDED_OFFSET_TABLE_LENGTHS,
    NUMBER_OF_FRAMES,
    PHOTOMETRIC_INTERPRETATION,
    ROWS,
    SAMPLES_PER_PIXEL,
    UNDEFINED_LENGTH,
    VIDEO_TRANSFER_SYNTAX_PREFIX,
    tag_text,
)
from shared.errors import DamagedDicomError

_SUBSAMPLED: Final = (b"YBR_FULL_422", b"YBR_PARTIAL_422")


async def read_pixel_layout(
    window: ByteWindow, found: PixelDataFound, data_set: DataSet, *, transfer_syntax_uid: str, byte_order: str
) -> tuple[PixelLayout, int]:
    """Return the layout of the pixel data and where it ends, in bytes from the start of the object.

    Args:
        window: of the object, wherever it stands.
        found: where the scan came to the pixel data.
        data_set: the elements before it.
        transfer_syntax_uid: tells video from other fragments.
        byte_order: "<" or ">".

    Raises:
        DamagedDicomError: the pixel data ends after the object, or its fragments are damaged.
        UnsupportedObjectError: there are more than a million fragments.

    Source: PS3.5 2024e §8 and §A.4; PS3.3 2024e §C.7.6.3
    """
    frames = integer_of(data_set, NUMBER_OF_FRAMES, byte_order)
    number_of_frames = frames if frames is not None and frames > 0 else None
    if found.length != UNDEFINED_LENGTH:
        return _native(found, data_set, window.size, byte_order, number_of_frames or 1)
    table = await read_frame_table(
        window,
        found.offset,
        number_of_frames=number_of_frames,
        extended=await _extended_offset_table(window, data_set),
        video=transfer_syntax_uid.startswith(VIDEO_TRANSFER_SYNTAX_PREFIX),
    )
    layout = PixelLayout(
        tag=found.tag,
        offset=found.offset,
        length=table.length,
        encapsulated=True,
        number_of_frames=len(table.frames) or number_of_frames or 1,
        frames=table.frames,
    )
    return layout, table.end


def _native(
    found: PixelDataFound, data_set: DataSet, size: int, byte_order: str, number_of_frames: int
) -> tuple[PixelLayout, int]:
    end = found.offset + found.length
    if end > size:
        raise DamagedDicomError(
            f"Damaged at {tag_text(found.tag)}, offset {found.offset} of {size}: of the {found.length} bytes of pixel"
            f" data the last {end - size} are missing."
        )
    layout = PixelLayout(
        tag=found.tag,
        offset=found.offset,
        length=found.length,
        encapsulated=False,
        number_of_frames=number_of_frames,
        frame_bits=_frame_bits(data_set, byte_order),
    )
    return layout, end


def _frame_bits(data_set: DataSet, byte_order: str) -> int | None:
    """Return the bits of one native frame; chroma at half the columns saves one of three samples."""
    rows, columns, bits = (integer_of(data_set, tag, byte_order) for tag in (ROWS, COLUMNS, BITS_ALLOCATED))
    samples = integer_of(data_set, SAMPLES_PER_PIXEL, byte_order) or 1
    if not rows or not columns or not bits:
        return None
    photometric = data_set.get(PHOTOMETRIC_INTERPRETATION)
    if (
        photometric is not None
        and isinstance(photometric.value, bytes)
        and photometric.value.strip() in _SUBSAMPLED
    ):
        return rows * columns * 2 * bits
    return rows * columns * samples * bits


async def _extended_offset_table(window: ByteWindow, data_set: DataSet) -> tuple[bytes, bytes] | None:
    tables = [data_set.get(tag) for tag in (EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS)]
    values = [await _value(window, table) for table in tables if table is not None]
    return (values[0], values[1]) if len(values) == 2 else None


async def _value(window: ByteWindow, element: Element) -> bytes:
    """Return a value that may not have been read with the header; nothing for one that is no table."""
    if isinstance(element.value, bytes):
        return element.value
    if element.value is not None or element.length > 8 * MAX_FRAGMENTS:
        return b""
    return await window.fetch(element.offset, element.offset + element.length)
