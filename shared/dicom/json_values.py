"""Convert the stored bytes of one value to what the DICOM JSON model has for its VR. It knows no tags."""

import math
from base64 import b64encode
from collections.abc import Callable
from struct import Struct
from typing import Any, Final

from shared.dicom.charsets import Decode

type Values = list[Any]
type ReadValues = Callable[[bytes], Values]

_PADDING: Final = " \0"
_LARGEST_EXACT_INTEGER: Final = 2**53 - 1
_FORMATS: Final = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
_FLOATS: Final = ("FL", "FD")
_NOT_FINITE: Final = {math.inf: "Infinity", -math.inf: "-Infinity"}


def value_readers(byte_order: str, decode: Decode) -> dict[str, ReadValues]:
    """Return, by VR, what converts stored bytes to the list that "Value" holds; an empty list means no value.

    VRs that the model has as binary (OB, OW, UN and their like) and SQ are not among them. A converter raises
    ValueError only for a length that no number of values has.

    Args:
        byte_order: "<" or ">".
        decode: of the data set's character set.

    Source: PS3.18 2024e §F.2.3 to §F.2.5
    """
    readers: dict[str, ReadValues] = dict.fromkeys(("AS", "CS", "DA", "DT", "TM"), _strings)
    readers |= {vr: _numbers(byte_order, code, finite=vr not in _FLOATS) for vr, code in _FORMATS.items()}
    readers["AE"] = _application_entities
    readers["AT"] = _tags(byte_order)
    readers["DS"] = _decimal_strings
    readers["IS"] = _integer_strings
    readers["UI"] = _uids
    readers["UR"] = _uri
    readers["SH"] = readers["LO"] = readers["UC"] = _texts(decode)
    readers["ST"] = readers["LT"] = readers["UT"] = _text(decode)
    readers["PN"] = _person_names(decode)
    return readers


def inline_binary(value: bytes) -> str:
    """Return bytes in base64, in the byte order they are stored in."""
    return b64encode(value).decode("ascii")


def _strings(value: bytes) -> Values:
    """Split text of the default repertoire; only the last value's padding is taken off, as pydicom does it."""
    text = value.decode("latin-1").rstrip(_PADDING)
    if "\\" in text:
        return [part or None for part in text.split("\\")]
    return [text] if text else []


def _application_entities(value: bytes) -> Values:
    parts = [part.strip() for part in value.decode("latin-1").split("\\")]
    return [part or None for part in parts] if parts != [""] else []


def _uids(value: bytes) -> Values:
    parts = value.decode("latin-1").rstrip(_PADDING).split("\\")
    return [part.strip() or None for part in parts] if parts != [""] else []


def _uri(value: bytes) -> Values:
    text = value.decode("latin-1").rstrip()
    return [text] if text else []


def _texts(decode: Decode) -> ReadValues:
    def read(value: bytes) -> Values:
        text = decode(value)
        if "\\" in text:
            return [part.rstrip(_PADDING) or None for part in text.split("\\")]
        text = text.rstrip(_PADDING)
        return [text] if text else []

    return read


def _text(decode: Decode) -> ReadValues:
    def read(value: bytes) -> Values:
        text = decode(value).rstrip(_PADDING)
        return [text] if text else []

    return read


def _person_names(decode: Decode) -> ReadValues:
    def read(value: bytes) -> Values:
        text = decode(value.rstrip(b" \0"))
        if "\\" not in text and "=" not in text:
            return [{"Alphabetic": text}] if text else []
        names = [_person_name(name) for name in text.split("\\")]
        return names if len(names) > 1 or names[0] else []

    return read


def _person_name(name: str) -> dict[str, str] | None:
    """Return the component groups that are not empty.

    Source: PS3.18 2024e §F.2.2: "the non-empty name components of each element".
    """
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("="), strict=False)
    return {group: text for group, text in groups if text} or None


def _decimal_strings(value: bytes) -> Values:
    """Return numbers, and as text what is none: F.2.3 allows a string for DS and IS."""
    parts = value.strip(b" \0\t\r\n").split(b"\\")
    return [_decimal(part) for part in parts] if parts != [b""] else []


def _decimal(part: bytes) -> float | str | None:
    try:
        number = float(part)
        if math.isfinite(number) and b"_" not in part:
            return number
    except ValueError:
        pass
    return _stripped(part)


def _integer_strings(value: bytes) -> Values:
    parts = value.strip(b" \0").split(b"\\")
    return [_integer(part) for part in parts] if parts != [b""] else []


def _integer(part: bytes) -> int | str | None:
    """Return an integer; "1.0" is one, as in pydicom. One that a double cannot hold stays text."""
    try:
        number = int(part)
    except ValueError:
        decimal = _decimal(part)
        if not isinstance(decimal, float) or not decimal.is_integer():
            return _stripped(part)
        number = int(decimal)
    return number if abs(number) <= _LARGEST_EXACT_INTEGER and b"_" not in part else _stripped(part)


def _stripped(part: bytes) -> str | None:
    return part.decode("latin-1").strip(_PADDING) or None


def _numbers(byte_order: str, code: str, *, finite: bool) -> ReadValues:
    one = Struct(byte_order + code)
    size = one.size

    def read(value: bytes) -> Values:
        if len(value) == size:
            values: Values = list(one.unpack(value))
        elif len(value) % size:
            raise ValueError(f"{len(value)} bytes are no number of values of {size} bytes.")
        else:
            values = [number for (number,) in one.iter_unpack(value)]
        return values if finite else [_json_number(number) for number in values]

    return read


def _json_number(number: float) -> float | str:
    """Return a float as JSON can have it.

    F.2.3 asks for a JSON number, which cannot be infinite; the names that JavaScript and XML Schema-like formats use
    are kept rather than the value lost to null.
    """
    if math.isfinite(number):
        return number
    return _NOT_FINITE.get(number, "NaN")


def _tags(byte_order: str) -> ReadValues:
    pair = Struct(byte_order + "HH")

    def read(value: bytes) -> Values:
        whole = value[: len(value) // 4 * 4]
        return [f"{group:04X}{number:04X}" for group, number in pair.iter_unpack(whole)]

    return read
