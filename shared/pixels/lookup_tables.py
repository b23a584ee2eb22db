"""Read lookup tables out of DICOM JSON: grey ones, palettes, and palettes in segments. It applies none."""

import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.errors import DamagedDicomError
from shared.pixels.image_attributes import Attributes

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAX_TABLE_BYTES: Final = 256 * 1024
"""Of one table as stored: 65536 entries of two bytes, and as much again for segments."""
_MAX_ENTRIES: Final = 65536
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A table.

    Attributes:
        first: stored value that the first entry is for; those below map to it, those past the end to the last.
        bits: of an entry.
        entries: one after another, uint16.
    """

    first: int
    bits: int
    entries: "npt.NDArray[np.uint16]"

    def look_up(self, values: "npt.NDArray[Any]") -> "npt.NDArray[np.uint16]":
        """Return the entries for *values*."""
        import numpy as np

        at = np.clip(np.asarray(values, dtype=np.int64) - self.first, 0, len(self.entries) - 1)
        found: npt.NDArray[np.uint16] = self.entries[at]
        return found


def grey_table(item: Attributes, byte_order: str, *, is_signed: bool) -> LookupTable:
    """Return the table of an item of the Modality or the VOI LUT Sequence.

    Args:
        item: The item.
        byte_order: Of its binary values, "<" or ">".
        is_signed: Whether the values that are looked up are.

    Raises:
        DamagedDicomError: It holds no table.

    Source: PS3.3 2024e §C.11.1.1 and §C.11.2.1.1
    """
    count, first, bits = _descriptor(item, "00283002", is_signed=is_signed)
    return LookupTable(first, bits, _entries(item, "00283006", count, bits, byte_order))


def palette(attributes: Attributes, byte_order: str, *, is_signed: bool) -> tuple[LookupTable, ...]:
    """Return the red, the green and the blue table of a PALETTE COLOR image.

    Raises:
        DamagedDicomError: One is absent or damaged.

    Source: PS3.3 2024e §C.7.6.3.1.5, §C.7.6.3.1.6 and §C.7.9
    """
    tables = []
    for number in (1, 2, 3):
        count, first, bits = _descriptor(attributes, f"0028110{number}", is_signed=is_signed)
        segmented = f"0028122{number}"
        if segmented in attributes:
            words = _words(attributes, segmented, bits, byte_order, count=None)
            entries = _expanded(words, count, in_bytes=bits == 8)
        else:
            entries = _entries(attributes, f"0028120{number}", count, bits, byte_order)
        tables.append(LookupTable(first, bits, entries))
    return tuple(tables)


def _descriptor(attributes: Attributes, tag: str, *, is_signed: bool) -> tuple[int, int, int]:
    values = attributes.get(tag, {}).get("Value", [])
    if len(values) != 3 or not all(isinstance(value, int) for value in values):
        raise DamagedDicomError(f"({tag[:4]},{tag[4:]}) does not describe a lookup table")
    count, first, bits = values
    count = count % _MAX_ENTRIES or _MAX_ENTRIES
    if is_signed and first >= 0x8000:
        first -= 0x10000
    # What lies outside of 16 bits is none of a table, but a file may say anything.
    return count, min(max(first, -_MAX_ENTRIES), _MAX_ENTRIES), min(max(bits, 8), 16)


def _entries(
    attributes: Attributes, tag: str, count: int, bits: int, byte_order: str
) -> "npt.NDArray[np.uint16]":
    words = _words(attributes, tag, bits, byte_order, count=count)
    if len(words) < count:
        raise DamagedDicomError(f"({tag[:4]},{tag[4:]}) has fewer entries than its descriptor says")
    return words[:count]


def _words(
    attributes: Attributes, tag: str, bits: int, byte_order: str, *, count: int | None
) -> "npt.NDArray[np.uint16]":
    """Return the numbers of a table, which may lie in bytes or in words, and stand as binary or as values."""
    import numpy as np

    element = attributes.get(tag, {})
    if "Value" in element:
        if not all(isinstance(value, int) for value in element["Value"]):
            raise DamagedDicomError(f"({tag[:4]},{tag[4:]}) holds no numbers")
        values = element["Value"][: MAX_TABLE_BYTES // 2]
        return np.array([value & 0xFFFF for value in values], dtype=np.uint16)
    try:
        data = binascii.a2b_base64(element["InlineBinary"])[:MAX_TABLE_BYTES]
    except (KeyError, binascii.Error):
        raise DamagedDicomError(f"({tag[:4]},{tag[4:]}) is absent, so the image has no colours") from None
    if bits == 8 and (count is None or len(data) < 2 * count):
        return np.frombuffer(data, np.uint8).astype(np.uint16)
    return np.frombuffer(data[: len(data) // 2 * 2], f"{byte_order}u2").astype(np.uint16)


def _expanded(words: "npt.NDArray[np.uint16]", count: int, *, in_bytes: bool) -> "npt.NDArray[np.uint16]":
    """Return the entries that segments stand for.

    Source: PS3.3 2024e §C.7.9.2
    """
    import numpy as np

    segments = _Segments([int(word) for word in words], count, in_bytes=in_bytes)
    segments.expand(0, len(words))
    if len(segments.out) < count:
        raise DamagedDicomError("a segmented palette has fewer entries than its descriptor says")
    return np.array(segments.out[:count], dtype=np.uint16)


class _Segments:
    """Expands segments until there are *count* entries."""

    def __init__(self, words: list[int], count: int, *, in_bytes: bool) -> None:
        self._words = words
        self._count = count
        self._in_bytes = in_bytes
        self.out: list[int] = []

    def expand(self, at: int, segments: int, *, within_another: bool = False) -> None:
        """Expand so many segments, from the word *at*; a segment of an indirect one may not be indirect itself."""
        for _ in range(segments):
            if at + 2 >= len(self._words) or len(self.out) >= self._count:
                return
            kind, length = self._words[at : at + 2]
            at += 2
            if kind == _DISCRETE:
                self.out += self._words[at : at + length]
                at += length
            elif kind == _LINEAR and self.out and length:
                self._line_to(self._words[at], length)
                at += 1
            elif kind == _INDIRECT and not within_another:
                words = 4 if self._in_bytes else 2
                self.expand(self._offset(self._words[at : at + words]), length, within_another=True)
                at += words
            else:
                raise DamagedDicomError("a segmented palette holds a segment that has no meaning")

    def _line_to(self, last: int, length: int) -> None:
        first = self.out[-1]
        self.out += [first + round((last - first) * step / length) for step in range(1, length + 1)]

    def _offset(self, words: list[int]) -> int:
        """Return where a segment begins; it is told in bytes, the least significant part first."""
        if self._in_bytes:
            return int.from_bytes(bytes(words), "little")
        return sum(word << 16 * place for place, word in enumerate(words)) // 2
