"""Inflate the data set of a deflated file, within a cap. It reads no elements."""

import zlib
from typing import Final

from shared.dicom.byte_window import LARGEST_READ, Fetch
from shared.dicom.limits import MAX_INFLATED_BYTES
from shared.errors import DamagedDicomError, UnsupportedObjectError

_PIECE: Final = 1024 * 1024


async def inflate_data_set(fetch: Fetch, dataset_offset: int, size: int) -> bytes:
    """Return the inflated data set of an object in a deflated transfer syntax.

    Offsets of elements, pixel data and frames of such an object count from the start of these bytes.

    Args:
        fetch: reads a range of the object.
        dataset_offset: where its deflated stream begins, in bytes from the file's start.
        size: of the object in bytes.

    Raises:
        DamagedDicomError: the stream is damaged or cut short.
        UnsupportedObjectError: it inflates to more than 256 MiB.

    Source: PS3.5 2024e §A.5
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    pieces: list[bytes] = []
    inflated = 0
    at = dataset_offset
    deflated = b""
    while not inflater.eof:
        if not deflated:
            if at >= size:
                raise DamagedDicomError(
                    f"The deflated data set at offset {dataset_offset} is cut short at {size}."
                )
            deflated = await fetch(at, min(size, at + LARGEST_READ))
            at += LARGEST_READ
        try:
            pieces.append(inflater.decompress(deflated, _PIECE))
        except zlib.error as error:
            raise DamagedDicomError(
                f"The deflated data set at offset {dataset_offset} cannot be inflated."
            ) from error
        deflated = inflater.unconsumed_tail
        inflated += len(pieces[-1])
        if inflated > MAX_INFLATED_BYTES:
            raise UnsupportedObjectError(f"The deflated data set is larger than {MAX_INFLATED_BYTES} bytes.")
    return b"".join(pieces)
