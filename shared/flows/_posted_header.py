"""Read the header of a file that is in hand. Writes nothing."""

from shared.dicom.byte_window import Fetch
from shared.dicom.deflate import inflate_data_set
from shared.dicom.header import Header, read_header


async def posted_header(data: bytes) -> Header:
    """Return the header of a file.

    Raises:
        RejectedInstanceError: It is no DICOM file, or damaged.
    """
    return await read_header(_fetch_of(data), len(data), first=data)


async def inflate_posted(data: bytes, header: Header) -> bytes:
    """Return the inflated data set of a deflated file, in which the offsets of its header count.

    Raises:
        DamagedDicomError: It cannot be inflated.
        UnsupportedObjectError: It inflates to more than the limit.
    """
    return await inflate_data_set(_fetch_of(data), header.dataset_offset, len(data))


def _fetch_of(data: bytes) -> Fetch:
    async def fetch(start: int, end: int) -> bytes:
        return data[start:end]

    return fetch
