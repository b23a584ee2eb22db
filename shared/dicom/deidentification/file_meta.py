"""Write a new preamble and file meta information: nothing of the original's is taken over but what the file needs.

Source: PS3.10 2024e §7.1; PS3.15 2026d §E.1.1
"""

from typing import Final

from shared.dicom.element_writer import Writer
from shared.dicom.elements import LITTLE_ENDIAN, DataSet, Element

IMPLEMENTATION_CLASS_UID: Final = "2.25.303617921461580274812740276041982430171"
_IMPLEMENTATION_VERSION: Final = b"DICOM_FUNCTIONS"


def new_file_meta(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """Return the bytes of a file that precede its data set: 128 zero bytes, DICM and group 0002."""
    elements: DataSet = {}
    for tag, vr, value in (
        (0x0002_0001, "OB", b"\0\1"),
        (0x0002_0002, "UI", sop_class_uid.encode("ascii")),
        (0x0002_0003, "UI", sop_instance_uid.encode("ascii")),
        (0x0002_0010, "UI", transfer_syntax_uid.encode("ascii")),
        (0x0002_0012, "UI", IMPLEMENTATION_CLASS_UID.encode("ascii")),
        (0x0002_0013, "SH", _IMPLEMENTATION_VERSION),
    ):
        elements[tag] = Element(tag, vr, 0, len(value), value)
    body = _written(elements)
    length = len(body).to_bytes(4, "little")
    group_length = _written({0x0002_0000: Element(0x0002_0000, "UL", 0, 4, length)})
    return bytes(128) + b"DICM" + group_length + body


def _written(elements: DataSet) -> bytes:
    pieces = Writer(LITTLE_ENDIAN, implicit=False, encapsulated=False).write(elements)
    return b"".join(piece for piece in pieces if isinstance(piece, bytes))
