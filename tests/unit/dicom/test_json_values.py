"""Values become what DICOM JSON has for their VR, as pydicom's do where pydicom can."""

from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.tag import Tag

from shared.dicom.charsets import text_decoder
from shared.dicom.json_values import value_readers
from tests.unit.dicom.dicom_files import quiet

READERS = value_readers("<", text_decoder(b""))
TEXT_VRS = ["AE", "AS", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"]
PRINTABLE = st.text(alphabet="AB 1.\\\0", max_size=20).map(str.encode)


def pydicom_values(vr: str, value: bytes) -> list[Any]:
    """Return what pydicom writes to "Value", but null for an empty value among several."""
    raw = RawDataElement(Tag(0x00091001), vr, len(value), value, 0, False, True)
    with quiet():
        values = convert_raw_data_element(raw).to_json_dict(None, 0).get("Value", [])
    return [None if each == "" else each for each in values]


@pytest.mark.parametrize("vr", TEXT_VRS)
@given(PRINTABLE)
def test_text_is_split_and_stripped_as_pydicom_does(vr: str, value: bytes) -> None:
    """Padding by spaces and NULs, and several values where the VR has them."""
    assert pydicom_values(vr, value) == READERS[vr](value)


@pytest.mark.parametrize(
    ("vr", "code"),
    [("US", "H"), ("SS", "h"), ("UL", "L"), ("SL", "l"), ("UV", "Q"), ("SV", "q"), ("FL", "f"), ("FD", "d")],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_are_unpacked_in_either_byte_order(vr: str, code: str, order: str) -> None:
    """None, one or several."""
    readers = value_readers(order, text_decoder(b""))
    for values in ([], [7], [1, 2, 3]):
        assert values == readers[vr](pack(f"{order}{len(values)}{code}", *values))
    with pytest.raises(ValueError, match="3 bytes"):
        readers[vr](b"abc")


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=4), min_size=1, max_size=4))
def test_decimal_strings_are_numbers(numbers: list[Any]) -> None:
    """As pydicom has them, be there padding or exponents."""
    value = "\\".join(f" {number:e} " for number in numbers).encode()
    assert pydicom_values("DS", value) == READERS["DS"](value)


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("IS", b"000013", [13]),
        ("IS", b" -5 ", [-5]),
        ("IS", b"1.0", [1]),
        ("IS", b"1.5", ["1.5"]),
        ("IS", b"1A", ["1A"]),
        ("IS", b"1\\\\3", [1, None, 3]),
        ("IS", b"  ", []),
        ("IS", b"99999999999999999999", ["99999999999999999999"]),
        ("IS", b"1" * 5000, ["1" * 5000]),
        ("IS", b"1e400", ["1e400"]),
        ("IS", b"1_0", ["1_0"]),
        ("DS", b"1.50", [1.5]),
        ("DS", b"", []),
        ("DS", b"\\", [None, None]),
        ("DS", b"1,5", ["1,5"]),
        ("DS", b"nan", ["nan"]),
        ("DS", b"1e400", ["1e400"]),
        ("DS", b"1_0", ["1_0"]),
        ("AT", pack("<4H", 0x10, 0x20, 0x7FE0, 0x10), ["00100020", "7FE00010"]),
        ("AT", pack("<2H", 0x10, 0x20) + b"x", ["00100020"]),
    ],
)
def test_numbers_that_are_none_stay_text(vr: str, value: bytes, expected: list[Any]) -> None:
    """IS and DS may be strings (F.2.3); what a double cannot hold exactly stays text, too."""
    assert expected == READERS[vr](value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Doe^Jane ", [{"Alphabetic": "Doe^Jane"}]),
        (b"Doe=\xe4=x", [{"Alphabetic": "Doe", "Ideographic": "ä", "Phonetic": "x"}]),
        (b"=\xe4", [{"Ideographic": "ä"}]),
        (b"Doe==x", [{"Alphabetic": "Doe", "Phonetic": "x"}]),
        (b"A\\\\B", [{"Alphabetic": "A"}, None, {"Alphabetic": "B"}]),
        (b"==", []),
        (b"  ", []),
    ],
)
def test_person_names_have_their_groups_that_are_not_empty(value: bytes, expected: list[Any]) -> None:
    """F.2.2: the non-empty name components."""
    assert expected == READERS["PN"](value)
