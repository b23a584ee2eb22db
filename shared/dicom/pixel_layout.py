"""Say where the pixel data of a file and each of its frames lie. It reads no pixels."""

import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from shared.dicom.encapsulation import Span
from shared.errors import DamagedDicomError, FrameOutOfRangeError

_VERSION: Final = 1
_ENCAPSULATED: Final = 1


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """Where pixel data lies. Offsets count in bytes from the file's start.

    Attributes:
        tag: (7FE0,0010), or (7FE0,0008) and (7FE0,0009) for float pixel data.
        offset: of the value; encapsulated: of the Basic Offset Table's item.
        length: of the value in bytes; encapsulated: without the sequence delimiter.
        encapsulated: whether frames lie in fragments.
        number_of_frames: how many frames can be asked for. Of encapsulated pixel data that is how many were found: one
            for a video, whose single stream holds them all.
        frame_bits: native: bits of one frame, or None where rows, columns or bits are not told. Frames of 1-bit images
            are packed without padding between them, so a frame need not begin at a byte.
        frames: encapsulated: span of each frame's fragments with their item headers; empty when nothing tells them
            apart (fewer fragments than frames). Native: empty.
        deflated_offset: None; or where the deflated data set begins in the file: all other offsets then count from the
            start of the inflated data set (`shared.dicom.deflate.inflate_data_set`).

    Source: PS3.5 2024e §8 and §A.4
    """

    tag: int
    offset: int
    length: int
    encapsulated: bool
    number_of_frames: int
    frame_bits: int | None = None
    frames: tuple[Span, ...] = ()
    deflated_offset: int | None = None

    @property
    def frame_length(self) -> int | None:
        """Bytes of one native frame, rounded up for bit-packed ones; None where it is not known."""
        return None if self.frame_bits is None else (self.frame_bits + 7) // 8

    def pack(self) -> bytes:
        """Return the layout as compact bytes for a table row, which begin with the version of their format.

        Frames are written as gaps and differences of length, so ten thousand take some 20 KB.
        """
        numbers = [
            _ENCAPSULATED if self.encapsulated else 0,
            self.tag,
            self.offset,
            self.length,
            self.number_of_frames,
            0 if self.frame_bits is None else self.frame_bits + 1,
            0 if self.deflated_offset is None else self.deflated_offset + 1,
            len(self.frames),
        ]
        ends = [self.offset, *(offset + length for offset, length in self.frames)]
        lengths = [0, *(length for _, length in self.frames)]
        numbers += [_zigzag(offset - end) for (offset, _), end in zip(self.frames, ends, strict=False)]
        numbers += [_zigzag(length - before) for before, length in pairwise(lengths)]
        return bytes([_VERSION]) + zlib.compress(_varints(numbers), 6)

    @classmethod
    def unpack(cls, packed: bytes) -> "PixelLayout":
        """Return the layout that `pack` wrote.

        Raises:
            ValueError: the bytes are of another version.
        """
        if packed[:1] != bytes([_VERSION]):
            raise ValueError(
                f"A pixel layout of version {packed[:1].hex()} cannot be read, only {_VERSION}: reindex."
            )
        numbers = _read_varints(zlib.decompress(packed[1:]))
        flags, tag, offset, length, number_of_frames, frame_bits, deflated_offset, count = numbers[:8]
        frames: list[Span] = []
        end, frame_length = offset, 0
        for gap, difference in zip(numbers[8 : 8 + count], numbers[8 + count :], strict=True):
            frame_length += _unzigzag(difference)
            frames.append((end + _unzigzag(gap), frame_length))
            end = sum(frames[-1])
        return cls(
            tag=tag,
            offset=offset,
            length=length,
            encapsulated=bool(flags & _ENCAPSULATED),
            number_of_frames=number_of_frames,
            frame_bits=frame_bits - 1 if frame_bits else None,
            frames=tuple(frames),
            deflated_offset=deflated_offset - 1 if deflated_offset else None,
        )


def frame_span(layout: PixelLayout, frame_number: int) -> tuple[int, int]:
    """Return the bytes [start, end) to fetch for a frame; `shared.dicom.frames.frame_bytes` takes them.

    Args:
        layout: of the file.
        frame_number: 1-based.

    Raises:
        FrameOutOfRangeError: there is no such frame.
        DamagedDicomError: the pixel data is too short for it, or nothing tells its frames apart.
    """
    if not 1 <= frame_number <= layout.number_of_frames:
        raise FrameOutOfRangeError(
            f"There is no frame {frame_number}: frames are 1 to {layout.number_of_frames}."
        )
    if layout.encapsulated:
        if not layout.frames:
            raise DamagedDicomError(
                f"Nothing tells the {layout.number_of_frames} frames apart: too few fragments."
            )
        offset, length = layout.frames[frame_number - 1]
        return offset, offset + length
    if layout.frame_bits is None:
        if layout.number_of_frames == 1:
            return layout.offset, layout.offset + layout.length
        raise DamagedDicomError(
            "The length of a frame is not known: Rows, Columns or BitsAllocated is missing."
        )
    first_bit = (frame_number - 1) * layout.frame_bits
    end = (first_bit + layout.frame_bits + 7) // 8
    if end > layout.length:
        raise DamagedDicomError(
            f"Frame {frame_number} ends at byte {end} of the pixel data, which has only {layout.length} bytes."
        )
    return layout.offset + first_bit // 8, layout.offset + end


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _unzigzag(number: int) -> int:
    return -((number + 1) >> 1) if number & 1 else number >> 1


def _varints(numbers: list[int]) -> bytes:
    """Return numbers in base 128, low digits first, every digit but a number's last with its high bit set."""
    out = bytearray()
    for number in numbers:
        rest = number
        while rest > 0x7F:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        out.append(rest)
    return bytes(out)


def _read_varints(data: bytes) -> list[int]:
    numbers: list[int] = []
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    return numbers
