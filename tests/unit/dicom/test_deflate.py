"""A deflated data set is inflated completely, and never beyond a cap."""

import zlib

import pytest

from shared.dicom.deflate import inflate_data_set
from shared.errors import DamagedDicomError, UnsupportedObjectError
from tests.unit.dicom.dicom_files import RangeReads


def deflated(data: bytes) -> bytes:
    """Return a raw deflate stream."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


async def test_inflates_from_its_offset_and_ignores_padding() -> None:
    """What follows the stream is padding."""
    data = b"head" + deflated(b"data set" * 500_000) + b"\0"
    assert await inflate_data_set(RangeReads(data), 4, len(data)) == b"data set" * 500_000


@pytest.mark.parametrize("cut", [1, 2, 100])
async def test_a_stream_that_is_cut_short_is_damage(cut: int) -> None:
    """Every byte of it must be there."""
    data = deflated(bytes(range(256)) * 10)[:-cut]
    with pytest.raises(DamagedDicomError, match="cut short"):
        await inflate_data_set(RangeReads(data), 0, len(data))


async def test_a_stream_that_is_none_is_damage() -> None:
    """Bytes that zlib refuses are refused."""
    with pytest.raises(DamagedDicomError, match="cannot be inflated"):
        await inflate_data_set(RangeReads(b"\xff" * 100), 0, 100)


async def test_a_bomb_is_refused() -> None:
    """300 KB that would inflate to 300 MB stop at 256 MiB."""
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = b"".join(deflater.compress(bytes(1 << 20)) for _ in range(300)) + deflater.flush()
    with pytest.raises(UnsupportedObjectError, match="268435456"):
        await inflate_data_set(RangeReads(bomb), 0, len(bomb))
