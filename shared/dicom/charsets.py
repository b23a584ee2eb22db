"""Decode text by Specific Character Set, whatever its bytes are. It encodes nothing and never fails."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

type Decode = Callable[[bytes], str]

_DEFAULT: Final = "iso8859"
_COMMON: Final = {"": _DEFAULT, "ISO_IR 6": _DEFAULT, "ISO_IR 100": "latin_1", "ISO_IR 192": "UTF8"}
_WITHOUT_CODE_EXTENSIONS: Final = ("ISO_IR 192", "GB18030", "GBK")
_ESCAPE: Final = b"\x1b"
_FRAGMENT: Final = re.compile(rb"^[^\x1b]+|\x1b[^\x1b]*")
_MISSPELT: Final = re.compile(r"ISO.(2022.)?IR.(\d+)")


@lru_cache(maxsize=256)
def text_decoder(specific_character_set: bytes) -> Decode:
    """Return what decodes text (SH, LO, ST, LT, UC, UT, PN) of a data set.

    Undecodable bytes become replacement characters and an unknown character set is taken for the default one, as
    pydicom does it. The default repertoire is read as Latin-1, because that is what undeclared bytes mostly are.

    Args:
        specific_character_set: value of (0008,0005) as stored; empty for none.

    Source: PS3.5 2024e §6.1.2; PS3.3 2024e §C.12.1.1.2
    """
    terms = [term.strip() for term in specific_character_set.decode("latin_1").rstrip(" \0").split("\\")]
    if terms[0] in _WITHOUT_CODE_EXTENSIONS:
        del terms[1:]
    codecs = tuple(_COMMON.get(term) or _codec(term) for term in terms)
    first = "latin_1" if codecs[0] == _DEFAULT else codecs[0]

    def decode(value: bytes) -> str:
        if _ESCAPE in value:
            return "".join(_decode_fragment(fragment, codecs) for fragment in _FRAGMENT.findall(value))
        return value.decode(first, "replace")

    return decode


def _codec(term: str) -> str:
    """Return Python's name of a defined term, corrected if it is misspelt in a common way."""
    from pydicom.charset import python_encoding

    codec = python_encoding.get(term)
    if codec is None and (misspelt := _MISSPELT.fullmatch(term)):
        code_extension, number = misspelt.groups()
        codec = python_encoding.get(f"ISO 2022 IR {number}" if code_extension else f"ISO_IR {number}")
    if codec is None and term.lower().replace("-", "") == "utf8":
        codec = "UTF8"
    return str(codec or _DEFAULT)


def _decode_fragment(fragment: bytes, codecs: tuple[str, ...]) -> str:
    """Decode bytes up to the next escape sequence, which may begin with one."""
    try:
        if fragment.startswith(_ESCAPE):
            return _decode_escaped(fragment, codecs)
        return fragment.decode(codecs[0])
    except UnicodeDecodeError:
        return fragment.decode(codecs[0], "replace")


def _decode_escaped(fragment: bytes, codecs: tuple[str, ...]) -> str:
    """Decode bytes that begin with an escape sequence, by what it switches to if that was declared."""
    from pydicom.charset import CODES_TO_ENCODINGS, handled_encodings
    from pydicom.valuerep import TEXT_VR_DELIMS

    length = 4 if fragment[1:3] in (b"$(", b"$)") else 3
    codec = CODES_TO_ENCODINGS.get(fragment[:length], "")
    if codec != _DEFAULT and codec not in codecs:
        return fragment.decode(codecs[0], "replace")
    if codec in handled_encodings:
        return fragment.decode(codec)
    text = fragment[length:]
    reset = next((index for index, byte in enumerate(text) if byte in TEXT_VR_DELIMS), len(text))
    return text[:reset].decode(codec) + text[reset:].decode(codecs[0])
