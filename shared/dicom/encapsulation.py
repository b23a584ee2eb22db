"""Find the frames of encapsulated pixel data by its tables or its fragments. It decodes no frame."""

from array import array
from itertools import pairwise
from struct import Struct, unpack
from typing import Final, NamedTuple

from shared.dicom.byte_window import LARGEST_READ, ByteWindow
from shared.dicom.limits import MAX_FRAGMENTS
from shared.dicom.tags import ITEM, PIXEL_DATA, SEQUENCE_DELIMITER, tag_text
from shared.errors import DamagedDicomError, UnsupportedObjectError

_ITEM_HEADER: Final = Struct("<HHL")
_FIRST_AHEAD: Final = 4096
_SMALL_FRAGMENT: Final = 512 * 1024
_TAIL: Final = 10
_END_OF_IMAGE: Final = b"\xff\xd9"

type Span = tuple[int, int]
"""Offset in bytes from the file's start, and length in bytes."""


class FrameTable(NamedTuple):
    """Where the frames of encapsulated pixel data lie.

    Attributes:
        frames: offset and length of each frame's fragments, item headers included; empty when nothing tells them apart.
        length: of the value in bytes, without the sequence delimiter.
        end: behind the sequence delimiter, in bytes from the file's start.
    """

    frames: tuple[Span, ...]
    length: int
    end: int


class _Fragments(NamedTuple):
    """The fragments from some offset to the sequence delimiter: offsets of item headers, and which end an image."""

    offsets: "array[int]"
    ends_image: bytearray
    delimiter: int


async def read_frame_table(
    window: ByteWindow,
    start: int,
    *,
    number_of_frames: int | None,
    extended: tuple[bytes, bytes] | None,
    video: bool,
) -> FrameTable:
    """Find every frame of the encapsulated pixel data whose value begins at `start`.

    The Extended Offset Table is believed first, then the Basic Offset Table, as far as they agree with themselves,
    with the number of frames, with the item headers that are at hand, and with the last frame's fragments, which are
    walked to the sequence delimiter. Tables that do not are ignored, and all fragments are walked.

    Args:
        window: of the file; small reads suffice for large fragments, and one read holds many small ones.
        start: of the value, in bytes from the file's start: the Basic Offset Table's item.
        number_of_frames: as the data set has it, or None.
        extended: the values of (7FE0,0001) and (7FE0,0002), or None.
        video: whether all fragments are one stream that holds every frame.

    Raises:
        DamagedDicomError: the fragments or their delimiter are damaged or missing.
        UnsupportedObjectError: there are more than a million fragments.

    Source: PS3.5 2024e §A.4; PS3.3 2024e §C.7.6.3.1.8
    """
    basic, first = await _basic_offsets(window, start)
    for starts, lengths in (_extended_offsets(extended), (basic, [])):
        if video or not starts or number_of_frames not in (None, len(starts)):
            continue
        spans = await _believe(window, [first + offset for offset in starts], lengths)
        if spans is not None:
            frames, delimiter = spans
            return FrameTable(frames, delimiter - start, delimiter + 8)
    fragments = await _walk(window, first)
    frames = _group(fragments, 1 if video else number_of_frames or 1)
    return FrameTable(frames, fragments.delimiter - start, fragments.delimiter + 8)


async def _basic_offsets(window: ByteWindow, start: int) -> tuple[list[int], int]:
    """Return the Basic Offset Table and the offset of the item header behind it."""
    await window.load(start, start + 8)
    tag, length = _item_header(window, start)
    if tag != ITEM:
        raise _damaged(start, window.size, f"the Basic Offset Table is missing, {tag_text(tag)} stands here")
    first = start + 8 + length
    if first > window.size:
        raise _damaged(
            start, window.size, f"{first - window.size} bytes of the Basic Offset Table are missing"
        )
    if length > 4 * MAX_FRAGMENTS:
        raise UnsupportedObjectError(
            f"The Basic Offset Table has more than {MAX_FRAGMENTS} entries ({length} bytes)."
        )
    if length == 0 or length % 4:
        return [], first
    await window.load(start, first)
    table = window.data[start + 8 - window.start : first - window.start]
    return list(unpack(f"<{length // 4}L", table)), first


def _extended_offsets(extended: tuple[bytes, bytes] | None) -> tuple[list[int], list[int]]:
    """Return the Extended Offset Table and its lengths, or nothing when they contradict each other."""
    if extended is None or len(extended[0]) != len(extended[1]) or len(extended[0]) % 8:
        return [], []
    count = len(extended[0]) // 8
    starts, lengths = list(unpack(f"<{count}Q", extended[0])), list(unpack(f"<{count}Q", extended[1]))
    for index, (start, following) in enumerate(pairwise(starts)):
        end = start + 8 + lengths[index]
        if following not in (end, end + 1):
            return [], []
    return starts, lengths


async def _believe(
    window: ByteWindow, starts: list[int], lengths: list[int]
) -> tuple[tuple[Span, ...], int] | None:
    """Return the frames that a table names and the delimiter's offset, or None when the table cannot be right.

    Frames in the middle whose item headers are not at hand are believed; reading such a frame checks them.
    """
    last = starts[-1]
    if any(following < start + 8 for start, following in pairwise(starts)) or last + 8 > window.size:
        return None
    for start in starts:
        if window.start <= start <= window.end - 8 and _item_header(window, start)[0] != ITEM:
            return None
    try:
        delimiter = (await _walk(window, last)).delimiter
    except DamagedDicomError:
        return None
    if not lengths:
        return tuple((start, end - start) for start, end in pairwise([*starts, delimiter])), delimiter
    if last + 8 + lengths[-1] > delimiter:
        return None
    return tuple((start, 8 + length) for start, length in zip(starts, lengths, strict=True)), delimiter


async def _walk(window: ByteWindow, first: int) -> _Fragments:
    """Read the item headers from `first` to the sequence delimiter.

    The bytes fetched at once double while fragments are small, so that their number of reads stays low; behind large
    fragments 4 KiB are fetched.
    """
    offsets = array("Q")
    ends_image = bytearray()
    at, ahead = first, _FIRST_AHEAD
    while True:
        tail = at - min(_TAIL, at - offsets[-1] - 8) if offsets else at
        if not (window.start <= tail and at + 8 <= window.end):
            await window.load(tail, at + 8, ahead=ahead)
            if offsets and at - first < _SMALL_FRAGMENT * len(offsets):
                ahead = min(2 * ahead, LARGEST_READ)
        tag, length = _item_header(window, at)
        if offsets:
            ends_image.append(_END_OF_IMAGE in window.data[tail - window.start : at - window.start])
        if tag == SEQUENCE_DELIMITER:
            return _Fragments(offsets, ends_image, at)
        if tag != ITEM:
            raise _damaged(at, window.size, f"a fragment must begin here, not {tag_text(tag)}")
        if len(offsets) == MAX_FRAGMENTS:
            raise UnsupportedObjectError(f"The pixel data has more than {MAX_FRAGMENTS} fragments.")
        offsets.append(at)
        at += 8 + length


def _item_header(window: ByteWindow, at: int) -> Span:
    """Return tag and length of the item header at `at`, which is loaded unless the object ends before."""
    index = at - window.start
    if len(window.data) < index + 8:
        raise _damaged(at, window.size, f"at least {at + 8 - window.size} bytes are missing")
    group, number, length = _ITEM_HEADER.unpack_from(window.data, index)
    return group << 16 | number, length


def _group(fragments: _Fragments, number_of_frames: int) -> tuple[Span, ...]:
    """Make frames of fragments, by the rules of pydicom where no table does."""
    offsets = [*fragments.offsets, fragments.delimiter]
    count = len(fragments.offsets)
    if count == 0:
        return ()
    if count == 1 or number_of_frames == 1:
        return ((offsets[0], offsets[-1] - offsets[0]),)
    if count == number_of_frames:
        return tuple((start, end - start) for start, end in pairwise(offsets))
    if count < number_of_frames:
        return ()
    bounds = [offsets[0], *(offsets[i + 1] for i in range(count) if fragments.ends_image[i])]
    if bounds[-1] != offsets[-1]:
        bounds.append(offsets[-1])
    return tuple((start, end - start) for start, end in pairwise(bounds))


def _damaged(at: int, size: int, why: str) -> DamagedDicomError:
    return DamagedDicomError(f"Damaged at {tag_text(PIXEL_DATA)}, offset {at} of {size}: {why}.")
