"""A layout survives its packing, which is small."""

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dicom.pixel_layout import PixelLayout

NUMBERS = st.integers(0, 2**63)
SPANS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8).map(tuple)


@given(
    st.builds(
        PixelLayout,
        tag=st.sampled_from([0x7FE00010, 0x7FE00008, 0x7FE00009]),
        offset=NUMBERS,
        length=NUMBERS,
        encapsulated=st.booleans(),
        number_of_frames=NUMBERS,
        frame_bits=st.none() | NUMBERS,
        frames=SPANS,
        deflated_offset=st.none() | NUMBERS,
    )
)
def test_unpacking_gives_what_was_packed(layout: PixelLayout) -> None:
    """Whatever the numbers are, in whatever order the frames lie."""
    assert layout == PixelLayout.unpack(layout.pack())


def test_ten_thousand_frames_fit_a_table_property() -> None:
    """Frames of similar sizes, a fragment each, take less than 48 KiB."""
    sizes = random.Random(1)
    at = 5_000
    frames = []
    for _ in range(10_000):
        length = 2 * sizes.randrange(20_000, 40_000)
        frames.append((at, length))
        at += length
    layout = PixelLayout(
        0x7FE00010, 4_992, at, encapsulated=True, number_of_frames=10_000, frames=tuple(frames)
    )
    assert len(layout.pack()) < 48 * 1024


def test_another_version_is_refused() -> None:
    """Bytes of a format that is to come are not guessed at."""
    packed = PixelLayout(0x7FE00010, 1, 2, encapsulated=False, number_of_frames=1).pack()
    with pytest.raises(ValueError, match="version 02"):
        PixelLayout.unpack(b"\2" + packed[1:])
    assert packed[:1] == b"\1"
    assert zlib.decompress(packed[1:])


@pytest.mark.parametrize(("bits", "length"), [(None, None), (8, 1), (9, 2), (100, 13), (4_194_304, 524_288)])
def test_frame_length_is_rounded_up(bits: int | None, length: int | None) -> None:
    """Bytes that hold all bits of a frame."""
    layout = PixelLayout(0x7FE00010, 0, 0, encapsulated=False, number_of_frames=1, frame_bits=bits)
    assert length == layout.frame_length
