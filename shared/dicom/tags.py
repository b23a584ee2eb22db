"""Name the tags and value representations that reading a file depends on. It holds no data dictionary."""

import sys
from typing import Final

FILE_META_GROUP: Final = 0x0002
TRANSFER_SYNTAX_UID: Final = 0x0002_0010
SPECIFIC_CHARACTER_SET: Final = 0x0008_0005
NUMBER_OF_FRAMES: Final = 0x0028_0008
SAMPLES_PER_PIXEL: Final = 0x0028_0002
PHOTOMETRIC_INTERPRETATION: Final = 0x0028_0004
ROWS: Final = 0x0028_0010
COLUMNS: Final = 0x0028_0011
BITS_ALLOCATED: Final = 0x0028_0100
PIXEL_REPRESENTATION: Final = 0x0028_0103
LUT_DESCRIPTOR: Final = 0x0028_3002
LUT_DATA: Final = 0x0028_3006
EXTENDED_OFFSET_TABLE: Final = 0x7FE0_0001
EXTENDED_OFFSET_TABLE_LENGTHS: Final = 0x7FE0_0002
FLOAT_PIXEL_DATA: Final = 0x7FE0_0008
DOUBLE_FLOAT_PIXEL_DATA: Final = 0x7FE0_0009
PIXEL_DATA: Final = 0x7FE0_0010
ITEM: Final = 0xFFFE_E000
ITEM_DELIMITER: Final = 0xFFFE_E00D
SEQUENCE_DELIMITER: Final = 0xFFFE_E0DD
DELIMITER_GROUP: Final = 0xFFFE

PIXEL_DATA_TAGS: Final = frozenset({FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA, PIXEL_DATA})

UNDEFINED_LENGTH: Final = 0xFFFF_FFFF

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
EXPLICIT_VR_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
DEFLATED_TRANSFER_SYNTAXES: Final = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95"})
VIDEO_TRANSFER_SYNTAX_PREFIX: Final = "1.2.840.10008.1.2.4.10"

# Source: PS3.5 2024e §7.1.2, Table 7.1-2 (two-byte length) and Table 7.1-1 (two reserved bytes, then four).
_SHORT = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US"
_LONG = "OB OD OF OL OV OW SQ SV UC UN UR UT UV"
SHORT_VRS: Final[dict[bytes, str]] = {vr.encode(): sys.intern(vr) for vr in _SHORT.split()}
LONG_VRS: Final[dict[bytes, str]] = {vr.encode(): sys.intern(vr) for vr in _LONG.split()}

_ARRAYS = "OB OD OF OL OV OW UN DS FD FL IS SL SS SV UL US UV"
ARRAY_VRS: Final = frozenset((*_ARRAYS.split(), "OB or OW", "US or OW", "US or SS", "US or SS or OW"))
"""Of binary values and of numbers: a contour of some hundred points would be its metadata's larger part."""


def tag_text(tag: int) -> str:
    """Return a tag as the standard writes it, `(0010,0020)`."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
