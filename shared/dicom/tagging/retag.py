"""Set attributes of one file: its bytes, as they are to be written, with the places of what is copied between them.

Source: PS3.10 2024e §7; PS3.5 2024e §7.1
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.dicom.charsets import text_decoder
from shared.dicom.element_writer import Piece, Span, Writer
from shared.dicom.elements import BIG_ENDIAN, LITTLE_ENDIAN, DataSet, Element
from shared.dicom.header import Header
from shared.dicom.tagging.mapping import TagValue
from shared.dicom.tagging.text_encoding import charset_of, encode_text, in_unicode
from shared.dicom.tags import SPECIFIC_CHARACTER_SET, tag_text
from shared.errors import UnsupportedObjectError


class TagChange(StrEnum):
    """What became of an attribute."""

    ADDED = "added"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Retagged:
    """A file as it is to be written.

    Attributes:
        report: what became of each attribute, by tag.
        pieces: bytes, and spans of the original (deflated: of its inflated data set) of what follows the file meta
            information; empty where nothing changed.
        charset_changed: whether all text is written in UTF-8 now, as its own character set could not hold a value.
    """

    report: Mapping[int, TagChange]
    pieces: tuple[Piece, ...]
    charset_changed: bool = False


def retag(header: Header, values: Sequence[TagValue]) -> Retagged:
    """Set the attributes of the file that *header* was read of.

    Raises:
        UnsupportedObjectError: Its text cannot be carried into a character set that holds the values.
    """
    report = {value.tag: _judged(header.elements, value) for value in values}
    if all(change is TagChange.SAME for change in report.values()):
        return Retagged(report, ())
    wanted = [value for value in values if report[value.tag] is not TagChange.SAME]
    charset = charset_of(header.elements)
    encoded = {value.tag: encode_text(value.text, value.vr, charset) for value in wanted}
    data_set, switched = dict(header.elements), any(value is None for value in encoded.values())
    if switched:
        data_set = in_unicode(data_set)
        encoded = {value.tag: value.text.encode() for value in wanted}
    for value in wanted:
        stored = encoded[value.tag] or b""
        data_set[value.tag] = Element(value.tag, value.vr, 0, len(stored), stored)
    writer = Writer(
        BIG_ENDIAN if header.byte_order == ">" else LITTLE_ENDIAN,
        implicit=header.implicit_vr,
        encapsulated=header.pixel_layout is not None and header.pixel_layout.encapsulated,
        nested_fragments=True,
    )
    return Retagged(report, tuple(writer.write(data_set)), switched)


def check_retagged(before: Header, after: Header, values: Sequence[TagValue]) -> None:
    """Hold what was written, as it is read again, against what was meant.

    Raises:
        UnsupportedObjectError: An attribute is not as it should be, or another one changed.
    """
    for value in values:
        if _judged(after.elements, value) is not TagChange.SAME:
            raise UnsupportedObjectError(f"{tag_text(value.tag)} did not become what it was set to")
    ours = {value.tag for value in values} | {SPECIFIC_CHARACTER_SET}
    switched = charset_of(before.elements) != charset_of(after.elements)
    expected = in_unicode(before.elements) if switched else before.elements
    others = [tag for tag in {*expected, *after.elements} - ours if not _same(expected, after.elements, tag)]
    if others:
        raise UnsupportedObjectError(f"{tag_text(min(others))} would have changed with what was set")
    if (before.pixel_layout is None) != (after.pixel_layout is None) or (
        before.pixel_layout is not None
        and after.pixel_layout is not None
        and before.pixel_layout.length != after.pixel_layout.length
    ):
        raise UnsupportedObjectError("the pixel data would have changed with what was set")


def spans_of(pieces: Sequence[Piece]) -> list[Span]:
    """Return what is copied of the original."""
    return [piece for piece in pieces if isinstance(piece, Span)]


def _judged(data_set: DataSet, value: TagValue) -> TagChange:
    element = data_set.get(value.tag)
    if element is None:
        return TagChange.ADDED
    if not isinstance(element.value, bytes) or element.vr != value.vr:
        return TagChange.CHANGED
    text = text_decoder(charset_of(data_set))(element.value).rstrip("\0").strip(" ")
    return TagChange.SAME if text == value.text else TagChange.CHANGED


def _same(before: DataSet, after: DataSet, tag: int) -> bool:
    one, other = before.get(tag), after.get(tag)
    if one is None or other is None:
        return False
    if isinstance(one.value, list) and isinstance(other.value, list):
        return len(one.value) == len(other.value) and all(
            first.keys() == second.keys() and all(_same(first, second, inner) for inner in first)
            for first, second in zip(one.value, other.value, strict=True)
        )
    if isinstance(one.value, bytes) and isinstance(other.value, bytes):
        # An odd length is padded as it is written.
        return one.value == other.value or (len(one.value) % 2 == 1 and other.value[:-1] == one.value)
    return one.value is None and other.value is None and 0 <= other.length - one.length <= 1
