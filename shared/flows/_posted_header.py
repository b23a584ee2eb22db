"""Read the header of a file that is in hand. Writes nothing."""

from shared.dicom.header import Header, read_header


async def posted_header(data: bytes) -> Header:
    """Return the header of a file.

    Raises:
        RejectedInstanceError: It is no DICOM file, or damaged.
    """

    async def fetch(start: int, end: int) -> bytes:
        return data[start:end]

    return await read_header(fetch, len(data), first=data)
