"""Make one frame of the bytes that were fetched for it. It decodes nothing."""

from struct import Struct
from typing import Final

from shared.dicom.pixel_layout import PixelLayout, frame_span
from shared.dicom.tags import ITEM, tag_text
from shared.errors import DamagedDicomError

_ITEM_HEADER: Final = Struct("<HHL")


def frame_bytes(layout: PixelLayout, frame_number: int, span: bytes) -> bytes:
    """Return a frame's bytes as stored, out of the span that `frame_span` named.

    Fragments are joined without their item headers; their padding stays, as in pydicom's `generate_frames`. Native
    frames keep their byte order (big endian files: big endian words). A frame of a bit-packed image that does not
    begin at a byte is shifted so that its first pixel is the lowest bit; the bits behind its last pixel are zero.

    Args:
        layout: of the file.
        frame_number: 1-based.
        span: the bytes of `frame_span(layout, frame_number)`.

    Raises:
        FrameOutOfRangeError: there is no such frame.
        DamagedDicomError: the span is too short, or no fragment begins where the offset table says one does.

    Source: PS3.5 2024e §8.1.1, §8.2 and §A.4
    """
    start, end = frame_span(layout, frame_number)
    if len(span) < end - start:
        raise DamagedDicomError(
            f"Frame {frame_number} has {end - start} bytes at offset {start}, {len(span)} came."
        )
    if layout.encapsulated:
        return _join_fragments(span, start, frame_number)
    if layout.frame_bits is None or layout.frame_bits % 8 == 0:
        return span
    bits = int.from_bytes(span, "little") >> (frame_number - 1) * layout.frame_bits % 8
    return (bits & (1 << layout.frame_bits) - 1).to_bytes((layout.frame_bits + 7) // 8, "little")


def _join_fragments(span: bytes, start: int, frame_number: int) -> bytes:
    """Return the fragments of a span without their item headers.

    The Extended Offset Table may name an odd length whose padding byte lies behind the span, so the last fragment may
    be shorter than its item says by that byte.
    """
    fragments: list[bytes] = []
    at = 0
    while at < len(span):
        group, number, length = _ITEM_HEADER.unpack_from(span, at) if at + 8 <= len(span) else (0, 0, 0)
        if group << 16 | number != ITEM or at + 8 + length > len(span) + 1:
            raise DamagedDicomError(
                f"Frame {frame_number} is damaged at offset {start + at}: {tag_text(ITEM)} with its bytes must be here."
            )
        fragments.append(span[at + 8 : at + 8 + length])
        at += 8 + length
    return fragments[0] if len(fragments) == 1 else b"".join(fragments)
