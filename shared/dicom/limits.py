"""State how much of a file is read with its header, and the caps on what a hostile file may claim. It checks nothing."""

from typing import Final

BINARY_BULK_LENGTH: Final = 4096
"""Bytes from which a value of a VR for arrays (OB, OW, UN and their like, numbers) is not read with the header."""

BULK_LENGTH: Final = 64 * 1024
"""Bytes from which a value of any other VR is not."""

MAX_HEADER_BYTES: Final = 64 * 1024 * 1024
"""Bytes of a header, bulk data left out, and bytes that may be fetched for it."""

SCANNED_AT_ONCE: Final = 64 * 1024
"""Bytes of a header, 8,000 elements at most, that are scanned before anything else has a turn."""

MAX_ELEMENTS: Final = 1_000_000
"""Elements and sequence items of a header."""

MAX_DEPTH: Final = 64
"""Sequences inside one another; orjson writes 254 levels, of which each takes three."""

MAX_FILE_META_ELEMENTS: Final = 256
MAX_FRAGMENTS: Final = 1_000_000
MAX_INFLATED_BYTES: Final = 256 * 1024 * 1024

MAX_PADDING: Final = 64 * 1024
"""Zero bytes that may follow a data set without pixel data."""
