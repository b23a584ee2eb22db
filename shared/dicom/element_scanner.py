"""Scan the elements of a data set out of bytes that come in pieces. It does no I/O and converts no values."""

from typing import Final

from shared.dicom.elements import Element, ElementHeader, Encoding, decode_header, is_vr
from shared.dicom.limits import (
    BINARY_BULK_LENGTH,
    BULK_LENGTH,
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_HEADER_BYTES,
    MAX_PADDING,
)
from shared.dicom.padding import may_follow_pixel_data
from shared.dicom.scan_levels import (
    DATA_SET,
    SEQUENCE,
    Level,
    PixelDataFound,
    Stop,
    Wanted,
    sequence_in,
    undefined_in,
)
from shared.dicom.tags import (
    ARRAY_VRS,
    DELIMITER_GROUP,
    ITEM,
    ITEM_DELIMITER,
    PIXEL_DATA_TAGS,
    SEQUENCE_DELIMITER,
    SHORT_VRS,
    UNDEFINED_LENGTH,
    tag_text,
)
from shared.dicom.vr_lookup import vr_of
from shared.errors import DamagedDicomError, UnsupportedObjectError

_STRIDE: Final = 1024 * 1024


class ElementScanner:
    """Scan one data set, held in `data_set`; `position` is how far it came, in bytes from the object's start.

    Values of 4 KiB and more (binary VRs) or 64 KiB and more (all others) are not read: their element keeps offset and
    length only, and the scan goes on behind them. Nesting, elements and header bytes have caps, because a file of a
    few bytes may claim any of them.

    Args:
        start: where the data set begins, in bytes from the object's start.
        size: of the object in bytes.
        encoding: its byte order.
        implicit: whether its elements carry no VR; sequence items are looked at one by one.
    """

    def __init__(self, start: int, size: int, encoding: Encoding, *, implicit: bool) -> None:
        self.position = start
        self.size = size
        self.encoding = encoding
        root = Level(kind=DATA_SET, end=size, delimited=False, implicit=implicit)
        self.data_set = root.data_set
        self._levels = [root]
        self._after_pixel_data = False
        self._elements = 0
        self._scanned = 0

    def scan(self, data: bytes, base: int) -> Stop:
        """Scan on in `data`, which begins at the object's byte `base`, until something stops it.

        Returns:
            the bytes it lacks; or the pixel data it came to; or None when the object's end was reached.

        Raises:
            DamagedDicomError: a length or tag cannot be right; the message says which and where.
            UnsupportedObjectError: a cap is passed.
        """
        while True:
            level = self._levels[-1]
            if self.position >= level.end and not level.delimited:
                if len(self._levels) == 1:
                    return None
                self._levels.pop()
                continue
            self._check_caps()
            if level.kind == DATA_SET:
                stop = self._scan_data_set(data, base, level)
            elif level.kind == SEQUENCE:
                stop = self._scan_item(data, base, level)
            else:
                stop = self._scan_fragment(data, base, level)
            if stop is not None:
                return stop

    def pass_pixel_data(self, found: PixelDataFound, length: int, end: int) -> None:
        """Go on at `end`, behind pixel data whose value has `length` bytes; what follows may be padding."""
        vr = "OB" if found.length == UNDEFINED_LENGTH and " or " in found.vr else found.vr
        self.data_set[found.tag] = Element(found.tag, vr, found.offset, length, None)
        self.position = end
        self._after_pixel_data = True

    def end_at_padding(self) -> bool:
        """Take the rest of the object for padding if the pixel data is behind, and tell whether it was.

        An element that was begun there, such as a digital signature, is forgotten.
        """
        if self._after_pixel_data and len(self._levels) > 1:
            self.data_set.pop(self._levels[1].tag, None)
        return self._after_pixel_data

    def _scan_data_set(self, data: bytes, base: int, level: Level) -> Stop:
        if not level.implicit and not self._after_pixel_data:
            self._scan_short_elements(data, base, level)
            if self.position == level.end and not level.delimited:
                return None
        header = decode_header(data, self.position - base, self.encoding, implicit=level.implicit)
        if len(self._levels) == 1 and self._at_padding(header):
            return self._skip_padding(data, base)
        if header is None:
            loaded = base + len(data) - self.position
            return self._more(8 if loaded < 8 else 12, level)
        if self.position + header.size > level.end:
            return self._more(header.size, level)
        if header.tag >> 16 == DELIMITER_GROUP:
            self._end_item(header, level)
            return None
        return self._scan_element(header, data, base, level)

    def _scan_short_elements(self, data: bytes, base: int, level: Level) -> None:
        """Scan the elements of two-byte length that lie in `data`: nearly a whole header, so the one tight loop."""
        start = at = self.position - base
        end = min(len(data), level.end - base, at + _STRIDE)
        data_set, new_tuple = level.data_set, tuple.__new__
        unpack, short_vr = self.encoding.explicit.unpack_from, SHORT_VRS.get
        known = len(data_set)
        while at + 8 <= end:
            group, number, vr_bytes, length = unpack(data, at)
            vr = short_vr(vr_bytes)
            value_at = at + 8
            value_end = value_at + length
            if vr is None or value_end > end or group == DELIMITER_GROUP or length >= BINARY_BULK_LENGTH:
                break
            if number:
                tag = group << 16 | number
                data_set[tag] = new_tuple(
                    Element, (tag, vr, base + value_at, length, data[value_at:value_end])
                )
            at = value_end
        self.position = base + at
        self._scanned += at - start
        self._elements += len(data_set) - known

    def _scan_element(self, header: ElementHeader, data: bytes, base: int, level: Level) -> Stop:
        """Scan one element of any kind, given what precedes its value."""
        tag, length = header.tag, header.length
        vr = vr_of(header, level.data_set)
        offset = self.position + header.size
        if tag in PIXEL_DATA_TAGS and len(self._levels) == 1:
            return PixelDataFound(tag, vr, offset, length)
        if length == UNDEFINED_LENGTH:
            self._open(undefined_in(level, vr=vr, tag=tag, offset=offset))
            return None
        end = offset + length
        if end > level.end:
            raise self._damaged(
                tag, f"its value of {length} bytes ends {end - level.end} bytes after {self._holder()}"
            )
        if vr == "SQ":
            self._open(sequence_in(level, end=end, tag=tag, offset=offset))
            return None
        if length >= (BINARY_BULK_LENGTH if vr in ARRAY_VRS else BULK_LENGTH):
            value = None
        elif end > base + len(data):
            return Wanted(self.position, end)
        else:
            value = data[offset - base : end - base]
            self._scanned += length
        self._scanned += header.size
        self._elements += 1
        if tag & 0xFFFF:
            level.data_set[tag] = Element(tag, vr, offset, length, value)
        self.position = end
        return None

    def _scan_item(self, data: bytes, base: int, level: Level) -> Stop:
        """Scan the header of one item of a sequence, or the sequence's end."""
        at = self.position - base
        if len(data) < at + 8 or self.position + 8 > level.end:
            return self._more(8, level)
        group, number, length = self.encoding.implicit.unpack_from(data, at)
        tag = group << 16 | number
        if tag == SEQUENCE_DELIMITER:
            self.position = self.position + 8 if level.delimited else level.end
            self._levels.pop()
            return None
        if tag != ITEM:
            raise self._damaged(tag, f"an item of {tag_text(level.tag)} must begin here")
        delimited = length == UNDEFINED_LENGTH
        end = level.end if delimited else self.position + 8 + length
        if end > level.end:
            raise self._damaged(
                level.tag, f"an item of {length} bytes ends {end - level.end} bytes after the sequence"
            )
        peek = min(6, end - self.position - 8)
        if len(data) < at + 8 + peek:
            return Wanted(self.position, self.position + 8 + peek)
        implicit = level.implicit or not is_vr(data[at + 12 : at + 14])
        item = Level(kind=DATA_SET, end=end, delimited=delimited, implicit=implicit)
        level.items.append(item.data_set)
        self._levels.append(item)
        self._elements += 1
        self._scanned += 8
        self.position += 8
        return None

    def _scan_fragment(self, data: bytes, base: int, level: Level) -> Stop:
        """Skip one fragment of an encapsulated value that is not the top-level pixel data, or end the value."""
        at = self.position - base
        if len(data) < at + 8 or self.position + 8 > level.end:
            small = self.position - level.offset < BINARY_BULK_LENGTH
            wanted = self._more(8, level)
            return Wanted(level.offset, wanted.end) if small else wanted
        group, number, length = self.encoding.implicit.unpack_from(data, at)
        tag = group << 16 | number
        self._elements += 1
        if tag == ITEM and self.position + 8 + length <= level.end:
            self.position += 8 + length
            return None
        if tag != SEQUENCE_DELIMITER:
            raise self._damaged(tag, f"the fragments of {tag_text(level.tag)} are damaged here")
        found = self.position - level.offset
        small = found < BINARY_BULK_LENGTH and level.offset >= base
        value = data[level.offset - base : at] if small else None
        self._levels.pop()
        self._levels[-1].data_set[level.tag] = Element(level.tag, level.vr, level.offset, found, value)
        self._scanned += len(value or b"")
        self.position += 8
        return None

    def _open(self, inner: Level) -> None:
        """Open a sequence or fragments, whose value begins at its offset."""
        if len(self._levels) > 2 * MAX_DEPTH:
            raise UnsupportedObjectError(
                f"Sequences are nested more than {MAX_DEPTH} deep at {tag_text(inner.tag)}, offset {self.position}."
            )
        if inner.kind == SEQUENCE:
            self._levels[-1].data_set[inner.tag] = Element(inner.tag, "SQ", inner.offset, 0, inner.items)
        self._levels.append(inner)
        self._scanned += inner.offset - self.position
        self._elements += 1
        self.position = inner.offset

    def _end_item(self, header: ElementHeader, level: Level) -> None:
        if header.tag != ITEM_DELIMITER or not level.delimited:
            raise self._damaged(header.tag, "no item of undefined length is open here")
        self._levels.pop()
        self.position += 8

    def _at_padding(self, header: ElementHeader | None) -> bool:
        if header is None:
            return self.size - self.position < 8
        if self._after_pixel_data:
            return not may_follow_pixel_data(header, self.data_set, implicit=self._levels[0].implicit)
        return header.tag == 0

    def _skip_padding(self, data: bytes, base: int) -> Wanted | None:
        """End the scan at padding: anything behind pixel data, else 2 bytes to 64 KiB of zeros.

        One zero byte may be the first of a tag that was cut off.
        """
        length = self.size - self.position
        if not self._after_pixel_data:
            if base + len(data) < self.size and length <= MAX_PADDING:
                return Wanted(self.position, self.size)
            if not 2 <= length <= MAX_PADDING or any(data[self.position - base :]):
                raise self._damaged(0, f"the last {length} bytes are neither an element nor padding")
        self.position = self.size
        return None

    def _more(self, length: int, level: Level) -> Wanted:
        """Return what must be loaded for the `length` bytes that come next."""
        missing = self.position + length - level.end
        if missing > 0:
            raise self._damaged(level.tag, f"{missing} bytes are missing at the end of {self._holder()}")
        return Wanted(self.position, self.position + length)

    def _check_caps(self) -> None:
        if self._elements > MAX_ELEMENTS:
            raise UnsupportedObjectError(f"The header has more than {MAX_ELEMENTS} elements and items.")
        if self._scanned > MAX_HEADER_BYTES:
            raise UnsupportedObjectError(
                f"The header has more than {MAX_HEADER_BYTES} bytes without bulk data."
            )

    def _holder(self) -> str:
        return "the object" if len(self._levels) == 1 else "its sequence or item"

    def _damaged(self, tag: int, why: str) -> DamagedDicomError:
        where = tag_text(tag) if tag else "an element header"
        return DamagedDicomError(f"Damaged at {where}, offset {self.position} of {self.size}: {why}.")
