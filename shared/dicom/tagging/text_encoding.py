"""Encode a text for a data set's Specific Character Set, or carry the data set over to one that can hold it.

Source: PS3.5 2024e §6.1.2; PS3.3 2024e §C.12.1.1.2
"""

import warnings
from typing import Final

from shared.dicom.charsets import Decode, text_decoder
from shared.dicom.elements import DataSet, Element
from shared.dicom.tags import SPECIFIC_CHARACTER_SET, tag_text
from shared.errors import UnsupportedObjectError

UNICODE: Final = b"ISO_IR 192"
_TEXT_VRS: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_UNDECODABLE: Final = "\ufffd"
_DEFAULT_TERMS: Final = (b"", b"ISO_IR 6", b"ISO 2022 IR 6")
_ESCAPE: Final = b"\x1b"
_TO_ASCII: Final = b"(B"
_CODECS: Final = ("ISO_IR 192", "GB18030", "GBK")


def charset_of(data_set: DataSet) -> bytes:
    """Return the Specific Character Set of a data set as stored; empty for none."""
    element = data_set.get(SPECIFIC_CHARACTER_SET)
    return element.value if element is not None and isinstance(element.value, bytes) else b""


def encode_text(text: str, vr: str, charset: bytes) -> bytes | None:
    """Return *text* in a character set, or None where that has no way to write it.

    What comes out is read again: only bytes that say the same text are returned.
    """
    encoded = text.encode("ascii") if text.isascii() else _encoded(text, vr, charset)
    if encoded is None or text_decoder(charset)(encoded) != text:
        return None
    return encoded if _keeps_to(encoded, charset) else None


def in_unicode(data_set: DataSet) -> DataSet:
    """Return *data_set* with all its text in UTF-8; items that name a character set of their own stay as they are.

    Raises:
        UnsupportedObjectError: A text has bytes that its character set does not know, or is too large.
    """
    changed = _carried(data_set, text_decoder(charset_of(data_set)))
    changed[SPECIFIC_CHARACTER_SET] = Element(SPECIFIC_CHARACTER_SET, "CS", 0, len(UNICODE), UNICODE)
    return changed


def _keeps_to(encoded: bytes, charset: bytes) -> bool:
    """Tell whether what stands in the default repertoire, if that is the first one, is ASCII. Latin-1 is often read into it."""
    if charset.split(b"\\")[0].strip(b" \0") not in _DEFAULT_TERMS:
        return True
    first, *escaped = encoded.split(_ESCAPE)
    return first.isascii() and all(part.isascii() for part in escaped if part.startswith(_TO_ASCII))


def _carried(data_set: DataSet, decode: Decode) -> DataSet:
    changed: DataSet = {}
    for tag, element in data_set.items():
        if isinstance(element.value, list):
            items = [
                item if SPECIFIC_CHARACTER_SET in item else _carried(item, decode) for item in element.value
            ]
            changed[tag] = element._replace(value=items)
        elif element.vr in _TEXT_VRS:
            changed[tag] = _carried_element(element, decode)
        else:
            changed[tag] = element
    return changed


def _carried_element(element: Element, decode: Decode) -> Element:
    if not isinstance(element.value, bytes):
        raise UnsupportedObjectError(
            f"{tag_text(element.tag)} is too large to be written in another character set"
        )
    if element.value.isascii() and _ESCAPE not in element.value:
        return element
    text = decode(element.value)
    if _UNDECODABLE in text:
        raise UnsupportedObjectError(
            f"{tag_text(element.tag)} has bytes that its character set does not know"
        )
    value = text.encode()
    return Element(element.tag, element.vr, 0, len(value), value)


def _encoded(text: str, vr: str, charset: bytes) -> bytes | None:
    from pydicom.charset import convert_encodings, encode_string
    from pydicom.valuerep import PersonName

    terms = [term.strip() for term in charset.decode("latin_1").rstrip(" \0").split("\\")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        codecs = convert_encodings(terms[:1] if terms[0] in _CODECS else terms)
        try:
            encoded = PersonName(text).encode(codecs) if vr == "PN" else encode_string(text, codecs)
        except (UnicodeError, LookupError):
            return None
    return bytes(encoded)
