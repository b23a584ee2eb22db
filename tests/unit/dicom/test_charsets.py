"""Text is decoded as pydicom decodes it, and never fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.valuerep import TEXT_VR_DELIMS

from shared.dicom.charsets import text_decoder
from tests.unit.dicom.dicom_files import quiet

DECLARED = [
    "", "ISO_IR 6", "ISO_IR 13", "ISO_IR 100", "ISO_IR 101", "ISO_IR 126", "ISO_IR 144", "ISO_IR 192", "GB18030", "GBK",
    "\\ISO 2022 IR 87", "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159", "\\ISO 2022 IR 149",
    "ISO 2022 IR 100\\ISO 2022 IR 144", "\\ISO 2022 IR 58", "ISO_IR 192\\ISO 2022 IR 87", "ISO IR 100", "ISO-2022-IR-100",
    "NO SUCH SET", "\\ISO_IR 192",
]  # fmt: skip
ESCAPES = [
    b"\x1b$B",
    b"\x1b(B",
    b"\x1b(J",
    b"\x1b)I",
    b"\x1b$)C",
    b"\x1b-A",
    b"\x1b-L",
    b"\x1b$(D",
    b"\x1b$)A",
    b"\x1b%",
]
TEXTS = st.lists(
    st.binary(max_size=8) | st.sampled_from([*ESCAPES, b"^", b"\n", b"=", b"Yamada"]), max_size=8
)


@pytest.mark.parametrize("declared", DECLARED)
@given(TEXTS)
def test_any_bytes_are_decoded_as_pydicom_does(declared: str, parts: list[bytes]) -> None:
    """With escape sequences declared and not, cut characters, and delimiters between them."""
    text = b"".join(parts)
    with quiet():
        expected = decode_bytes(text, convert_encodings(declared.split("\\")), TEXT_VR_DELIMS)
    assert expected == text_decoder(declared.encode())(text)


def test_undecodable_bytes_become_replacement_characters() -> None:
    """A name in the wrong character set stays a name."""
    assert text_decoder(b"ISO_IR 192")(b"M\xfcller") == "M\ufffdller"


@pytest.mark.parametrize("declared", [b"ISO_IR 192 ", b"ISO_IR 192\0", b"UTF-8", b"utf8"])
def test_padding_and_the_common_name_of_utf8_are_understood(declared: bytes) -> None:
    """Padding belongs to the value's end, and UTF-8 is often called by its name."""
    assert text_decoder(declared)("Ж".encode()) == "Ж"


def test_no_codec_but_those_of_the_standard_is_used() -> None:
    """A file cannot choose another codec of Python."""
    assert text_decoder(b"rot13")(b"abc") == "abc"
    assert text_decoder(b"utf-16")(b"ab") == "ab"
