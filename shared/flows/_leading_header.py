"""Read the first elements of a file whose end has not arrived yet. It cannot tell a damaged file."""

import sys
from typing import Final

from shared.dicom.byte_window import ByteWindow, Fetch
from shared.dicom.element_scanner import ElementScanner
from shared.dicom.header import Header
from shared.dicom.part10 import read_start
from shared.dicom.scan_levels import Wanted
from shared.errors import UnsupportedObjectError

_UNKNOWN_SIZE: Final = sys.maxsize
_LAST_IDENTIFIER: Final = 0x0020_000E
"""SeriesInstanceUID: elements ascend, so whoever has read one beyond it has read what identifies the instance."""


async def read_leading_header(fetch: Fetch, first: bytes) -> Header:
    """Return as much of the header as it takes to identify the instance, or a little more.

    Args:
        fetch: Reads the half-open range [start, end) of what has arrived, waiting for more of it as needed.
        first: What has arrived so far.

    Raises:
        NotDicomError: It does not look like DICOM.
        DamagedDicomError: It contradicts itself.
        UnsupportedObjectError: It is deflated, so that nothing can be read before all of it has arrived.
    """
    window = ByteWindow(fetch, _UNKNOWN_SIZE, data=first)
    start = await read_start(window)
    if start.deflated:
        raise UnsupportedObjectError(
            "A deflated instance of this size is not taken: inflate it before sending it."
        )
    scanner = ElementScanner(start.dataset_offset, _UNKNOWN_SIZE, start.encoding, implicit=start.implicit)
    while isinstance(stop := scanner.scan(window.data, window.start), Wanted):
        if next(reversed(scanner.data_set), 0) > _LAST_IDENTIFIER:
            break
        await window.load(stop.start, stop.end)
    return Header(
        transfer_syntax_uid=start.transfer_syntax_uid,
        file_meta=start.file_meta,
        elements=scanner.data_set,
        dataset_offset=start.dataset_offset,
        pixel_layout=None,
        size=_UNKNOWN_SIZE,
        implicit_vr=start.implicit,
        byte_order=start.encoding.byte_order,
        deflated=start.deflated,
    )
