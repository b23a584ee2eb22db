"""Element headers and integers are decoded as pydicom decodes them."""

from struct import pack

import pytest
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

from shared.dicom.elements import LITTLE_ENDIAN, Element, ElementHeader, decode_header, integer_of
from shared.dicom.tags import LONG_VRS, SHORT_VRS


def test_vrs_have_the_length_fields_of_pydicom() -> None:
    """Two bytes or four, for every VR of the standard."""
    assert {str(vr) for vr in EXPLICIT_VR_LENGTH_16} == set(SHORT_VRS.values())
    assert {str(vr) for vr in EXPLICIT_VR_LENGTH_32} == set(LONG_VRS.values())


@pytest.mark.parametrize(
    ("data", "implicit", "expected"),
    [
        (b"\x10\0\x20\0LO\2\0", False, ElementHeader(0x00100020, "LO", 2, 8)),
        (b"\x10\0\x20\0OB\0\0\1\0\0\0", False, ElementHeader(0x00100020, "OB", 1, 12)),
        (b"\x10\0\x20\0ZZ\2\0", False, ElementHeader(0x00100020, "UN", 2, 8)),
        (b"\x10\0\x20\0\4\0\0\0", False, ElementHeader(0x00100020, None, 4, 8)),
        (b"\x10\0\x20\0\4\0\0\0", True, ElementHeader(0x00100020, None, 4, 8)),
        (b"\x10\0\x20\0OB\0\0\1\0\0", False, None),
        (b"\x10\0\x20\0LO\2", False, None),
    ],
)
def test_a_header_is_decoded_or_incomplete(
    data: bytes, expected: ElementHeader | None, *, implicit: bool
) -> None:
    """With and without VR, with one that is none, and with one that is unknown."""
    assert expected == decode_header(b"__" + data, 2, LITTLE_ENDIAN, implicit=implicit)


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("US", pack("<2H", 65535, 1), 65535),
        ("SS", pack("<h", -2), -2),
        ("UL", pack("<L", 4_000_000_000), 4_000_000_000),
        ("SL", pack("<l", -3), -3),
        ("US or SS", pack("<H", 1), 1),
        ("IS", b"12\\13 ", 12),
        ("IS", b"+7\0", 7),
        ("IS", b"1.0", None),
        ("IS", b"1" * 5000, None),
        ("US", b"", None),
        ("US", None, None),
    ],
)
def test_the_first_integer_is_taken(vr: str, value: bytes | None, expected: int | None) -> None:
    """Or none, if there is none."""
    element = Element(0x00280008, vr, 0, 0, value)
    assert expected == integer_of({element.tag: element}, element.tag, "<")
    assert integer_of({}, element.tag, "<") is None
