"""Read the dimensions that a compressed frame states of itself, before a decoder allocates for them. It decodes nothing.

Source: ITU-T T.81 §B.2.2; ITU-T T.87 §C.2.2; ITU-T T.800 §A.5.1
"""

from struct import Struct
from typing import Final, NamedTuple

_SIZ: Final = Struct(">8I H")
_FRAME_HEADER: Final = Struct(">BHHB")
_START_OF_J2K: Final = b"\xff\x4f\xff\x51"
_MAX_BOXES: Final = 4096
"""Bytes in which a codestream begins that is wrapped as a JP2 file."""
_START_OF_FRAME: Final = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_MAX_MARKERS: Final = 1024


class Dimensions(NamedTuple):
    """What a codestream states."""

    rows: int
    columns: int
    samples_per_pixel: int
    precision: int | None
    """Bits of a sample, where it is told beside the dimensions."""


def jpeg_dimensions(frame: bytes) -> Dimensions | None:
    """Return what the frame header of a JPEG or JPEG-LS stream states; None if it has none."""
    at = frame.find(b"\xff\xd8") + 2
    if at < 2:
        return None
    for _ in range(_MAX_MARKERS):
        while frame[at : at + 2] == b"\xff\xff":
            at += 1
        if at + 4 > len(frame) or frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker in _ALONE:
            at += 2
            continue
        if marker in _START_OF_FRAME:
            if at + 4 + _FRAME_HEADER.size > len(frame):
                return None
            precision, rows, columns, components = _FRAME_HEADER.unpack_from(frame, at + 4)
            return Dimensions(rows, columns, components, precision)
        at += 2 + int.from_bytes(frame[at + 2 : at + 4])
    return None


def jpeg2000_dimensions(frame: bytes) -> Dimensions | None:
    """Return what the SIZ marker of a JPEG 2000 codestream states; None if it has none."""
    at = frame.find(_START_OF_J2K, 0, _MAX_BOXES)
    if at < 0 or at + 8 + _SIZ.size > len(frame):
        return None
    x_end, y_end, x_start, y_start, *_, components = _SIZ.unpack_from(frame, at + 8)
    return Dimensions(y_end - y_start, x_end - x_start, components, None)
