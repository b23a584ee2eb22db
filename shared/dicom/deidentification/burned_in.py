"""Say why the pixels of a file may show who its patient is, and where they are known not to. It decodes none.

Source: PS3.15 2026d §E.3.1; PS3.3 2024e §C.8.5.5 (ultrasound regions) and §C.9.2 (overlays in unused bits)
"""

from typing import Final

from shared.dicom.elements import DataSet, integer_of
from shared.dicom.header import Header
from shared.dicom.risk.pixel_signals import denies_burned_in, pixel_signals
from shared.dicom.risk.rules import BURNED_IN_STATED, FACE_STATED, NO_IMAGE_TYPE
from shared.dicom.tags import tag_text

_REGIONS: Final = 0x0018_6011
_CORNERS: Final = (0x0018_6018, 0x0018_601A, 0x0018_601C, 0x0018_601E)
_OVERLAY_BIT_POSITION: Final = 0x0102
_STATED: Final = frozenset({BURNED_IN_STATED, FACE_STATED})

type Region = tuple[int, int, int, int]
"""Columns [left, right) and rows [top, bottom) as left, top, right, bottom."""


def suspicions(header: Header) -> tuple[str, ...]:
    """Return the tags that speak for text or a face in the pixels; none if nothing does, or there are no pixels.

    Guesses do not count where the file says NO of a kind of image of which that can be believed.
    """
    if header.pixel_layout is None:
        return ()
    denied = denies_burned_in(header)
    found = [
        tag for rule, tag in pixel_signals(header) if rule in _STATED or not (denied or rule is NO_IMAGE_TYPE)
    ]
    found += [
        tag
        for tag in header.elements
        if 0x6000 <= tag >> 16 <= 0x60FF
        and tag & 0xFFFF == _OVERLAY_BIT_POSITION
        and integer_of(header.elements, tag, header.byte_order)
    ]
    return tuple(tag_text(tag) for tag in found)


def ultrasound_regions(header: Header) -> tuple[Region, ...]:
    """Return the regions outside of which an ultrasound scanner writes; none if the file does not say."""
    sequence = header.elements.get(_REGIONS)
    items = sequence.value if sequence is not None and isinstance(sequence.value, list) else []
    regions = (_region(item, header.byte_order) for item in items)
    return tuple(region for region in regions if region is not None)


def _region(item: DataSet, byte_order: str) -> Region | None:
    left, top, right, bottom = (integer_of(item, tag, byte_order) for tag in _CORNERS)
    if left is None or top is None or right is None or bottom is None or left > right or top > bottom:
        return None
    return left, top, right + 1, bottom + 1
