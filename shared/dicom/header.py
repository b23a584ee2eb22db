"""Read the header of a DICOM file by range reads, completely or not at all. It reads no pixel data and no bulk data."""

import asyncio
from dataclasses import dataclass, replace

from shared.dicom.byte_window import ByteWindow, Fetch
from shared.dicom.charsets import text_decoder
from shared.dicom.deflate import inflate_data_set
from shared.dicom.element_scanner import ElementScanner
from shared.dicom.elements import DataSet, integer_of
from shared.dicom.limits import MAX_HEADER_BYTES, SCANNED_AT_ONCE
from shared.dicom.part10 import Start, read_start
from shared.dicom.pixel_data import read_pixel_layout
from shared.dicom.pixel_layout import PixelLayout
from shared.dicom.scan_levels import Wanted
from shared.dicom.tags import SPECIFIC_CHARACTER_SET
from shared.errors import DamagedDicomError


@dataclass(frozen=True, slots=True)
class Header:
    """All elements of a DICOM file, but for values too large to read with them.

    Attributes:
        transfer_syntax_uid: as the file meta has it, or guessed from the first element where it is missing.
        file_meta: the elements of group 0002.
        elements: the data set, in the file's order, without group lengths.
        dataset_offset: where the data set begins (deflated: its stream), in bytes from the file's start.
        pixel_layout: where the pixel data and its frames lie; None without pixel data.
        size: of the object in bytes.
        implicit_vr: whether the top-level elements carry no VR, whatever the transfer syntax says.
        byte_order: "<" or ">".
        deflated: whether offsets of values count from the start of the inflated data set.
        preamble_in_use: whether any of the 128 bytes before the file meta information is not zero.
    """

    transfer_syntax_uid: str
    file_meta: DataSet
    elements: DataSet
    dataset_offset: int
    pixel_layout: PixelLayout | None
    size: int
    implicit_vr: bool
    byte_order: str
    deflated: bool
    preamble_in_use: bool = False

    def has(self, tag: int) -> bool:
        """Tell whether the data set has an element at its top level, be it empty."""
        return tag in self.elements

    def text(self, tag: int) -> str | None:
        """Return the first value of a text element, decoded and stripped; None when it is absent, empty or not read."""
        element = self.elements.get(tag)
        if element is None or not isinstance(element.value, bytes):
            return None
        charset = self.elements.get(SPECIFIC_CHARACTER_SET)
        value = charset.value if charset is not None and isinstance(charset.value, bytes) else b""
        return text_decoder(value)(element.value).split("\\")[0].strip(" \0") or None

    def integer(self, tag: int) -> int | None:
        """Return the first value of an integer element (IS, US, SS, UL, SL); None when it is absent or no integer."""
        return integer_of(self.elements, tag, self.byte_order)


async def read_header(fetch: Fetch, size: int, *, first: bytes = b"") -> Header:
    """Read every element of a DICOM file, and find its pixel data and frames.

    The first 64 KiB are read, then more as needed, and large values are passed over. The header is complete when it
    returns: the scan came to the end of the object at the end of an element, and the pixel data lies inside it. What
    follows the pixel data is read as far as it is elements; what is not, is padding and ignored. Before pixel data, or
    without, only up to 64 KiB of zero bytes at the end are taken for padding.

    Args:
        fetch: reads the half-open byte range [start, end) of the object.
        size: of the object in bytes.
        first: its first bytes, where they are in hand already; the whole object, if you have it.

    Raises:
        NotDicomError: the object is empty or does not look like DICOM.
        DamagedDicomError: it is cut short or contradicts itself; the message has the tag and the offset.
        UnsupportedObjectError: it passes a cap: 64 MiB of header, a million elements, 64 levels, a million fragments,
            256 MiB inflated.
        ObjectChangedError: it is shorter than `size`.

    Source: PS3.10 2024e §7; PS3.5 2024e §7
    """
    window = ByteWindow(fetch, size, data=first, budget=MAX_HEADER_BYTES)
    start = await read_start(window)
    if not start.deflated:
        elements, layout = await _read_data_set(window, start.dataset_offset, start, fetch)
    else:
        inflated = await inflate_data_set(
            ByteWindow(fetch, size, data=first).fetch, start.dataset_offset, size
        )
        window = ByteWindow(fetch, len(inflated), data=inflated)
        elements, layout = await _read_data_set(window, 0, start, fetch)
        layout = layout and replace(layout, deflated_offset=start.dataset_offset)
    return Header(
        transfer_syntax_uid=start.transfer_syntax_uid,
        file_meta=start.file_meta,
        elements=elements,
        dataset_offset=start.dataset_offset,
        pixel_layout=layout,
        size=size,
        implicit_vr=start.implicit,
        byte_order=start.encoding.byte_order,
        deflated=start.deflated,
        preamble_in_use=start.preamble_in_use,
    )


async def _read_data_set(
    window: ByteWindow, offset: int, start: Start, fetch: Fetch
) -> tuple[DataSet, PixelLayout | None]:
    """Scan the data set at `offset`, loading what the scan lacks."""
    scanner = ElementScanner(offset, window.size, start.encoding, implicit=start.implicit)
    layout = None
    begin, end = window.start, window.start + SCANNED_AT_ONCE
    try:
        while (stop := scanner.scan(window.shown(begin, end), max(begin, window.start))) is not None:
            if isinstance(stop, Wanted):
                # A header of megabytes has a hundred thousand elements: others get their turn between its pieces.
                await asyncio.sleep(0)
                await window.load(stop.start, stop.end)
                begin, end = stop.start, max(stop.end, stop.start + SCANNED_AT_ONCE)
                continue
            walker = ByteWindow(fetch, window.size, data=window.data, start=window.start)
            layout, behind = await read_pixel_layout(
                walker,
                stop,
                scanner.data_set,
                transfer_syntax_uid=start.transfer_syntax_uid,
                byte_order=start.encoding.byte_order,
            )
            scanner.pass_pixel_data(stop, layout.length, behind)
    except DamagedDicomError:
        if not scanner.end_at_padding():
            raise
    return scanner.data_set, layout
