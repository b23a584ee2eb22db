"""Read what precedes the data set of a Part 10 file: preamble, file meta and so its encoding. No data set elements."""

from dataclasses import dataclass
from typing import Final

from shared.dicom.byte_window import ByteWindow
from shared.dicom.elements import BIG_ENDIAN, LITTLE_ENDIAN, DataSet, Element, Encoding, decode_header, is_vr
from shared.dicom.limits import BULK_LENGTH, MAX_FILE_META_ELEMENTS
from shared.dicom.tags import (
    DEFLATED_TRANSFER_SYNTAXES,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    FILE_META_GROUP,
    IMPLICIT_VR_LITTLE_ENDIAN,
    TRANSFER_SYNTAX_UID,
    tag_text,
)
from shared.dicom.vr_lookup import is_public_tag
from shared.errors import DamagedDicomError, NotDicomError, UnsupportedObjectError

_PREAMBLE: Final = 128
_PREFIX: Final = b"DICM"
_FIRST_GROUPS: Final = (FILE_META_GROUP, 0x0008)


@dataclass(frozen=True, slots=True)
class Start:
    """How a data set is encoded, and where it begins in the file (for a deflated one, its deflated stream)."""

    transfer_syntax_uid: str
    file_meta: DataSet
    dataset_offset: int
    encoding: Encoding
    implicit: bool
    preamble_in_use: bool = False

    @property
    def deflated(self) -> bool:
        """Whether the data set must be inflated before it can be read."""
        return self.transfer_syntax_uid in DEFLATED_TRANSFER_SYNTAXES


async def read_start(window: ByteWindow) -> Start:
    """Read the preamble and the file meta information.

    A file without preamble is taken for DICOM if its first element is one of the data dictionary in group 0002 or
    0008. Without a transfer syntax the first element tells the encoding. A wrong group length of the file meta is
    ignored, and the data set's first element outweighs the transfer syntax about whether VRs are written.

    Raises:
        NotDicomError: the object is empty, or does not look like DICOM.
        DamagedDicomError: the file meta information is cut short.
        UnsupportedObjectError: the file meta information has more than 256 elements.

    Source: PS3.10 2024e §7.1
    """
    if window.size == 0:
        raise NotDicomError("Not a DICOM file: it is empty (0 bytes).")
    await window.load(0, _PREAMBLE + len(_PREFIX))
    has_preamble = window.data[_PREAMBLE : _PREAMBLE + len(_PREFIX)] == _PREFIX
    preamble = window.data[:_PREAMBLE]
    if not has_preamble and not _looks_like_element(window.data[:8]):
        raise NotDicomError(
            f"Not a DICOM file: of its {window.size} bytes, 129 to 132 are not DICM and the first are no element."
        )
    file_meta, offset = await _read_file_meta(window, _PREAMBLE + len(_PREFIX) if has_preamble else 0)
    await window.load(offset, offset + 8)
    first = window.data[offset - window.start :][:8]
    uid = _transfer_syntax(file_meta) or _guess_transfer_syntax(first)
    implicit = uid == IMPLICIT_VR_LITTLE_ENDIAN
    if uid not in DEFLATED_TRANSFER_SYNTAXES and len(first) >= 6:
        implicit = not is_vr(first[4:6])
    encoding = BIG_ENDIAN if uid == EXPLICIT_VR_BIG_ENDIAN else LITTLE_ENDIAN
    in_use = has_preamble and any(preamble)
    return Start(uid, file_meta, offset, encoding, implicit, in_use)


async def _read_file_meta(window: ByteWindow, at: int) -> tuple[DataSet, int]:
    """Return the elements of group 0002 and where they end."""
    file_meta: DataSet = {}
    while at < window.size:
        await window.load(at, at + 12)
        header = decode_header(window.data, at - window.start, LITTLE_ENDIAN, implicit=False)
        if header is None or header.tag >> 16 != FILE_META_GROUP:
            break
        if len(file_meta) == MAX_FILE_META_ELEMENTS:
            raise UnsupportedObjectError(f"The file meta has more than {MAX_FILE_META_ELEMENTS} elements.")
        offset = at + header.size
        end = offset + header.length
        if end > window.size:
            raise DamagedDicomError(
                f"Damaged at {tag_text(header.tag)}, offset {at} of {window.size}: the file meta information"
                f" is cut short, {end - window.size} bytes are missing."
            )
        value = None
        if header.length < BULK_LENGTH:
            await window.load(at, end)
            value = window.data[offset - window.start : end - window.start]
        file_meta[header.tag] = Element(header.tag, header.vr or "UN", offset, header.length, value)
        at = end
    return file_meta, at


def _transfer_syntax(file_meta: DataSet) -> str:
    element = file_meta.get(TRANSFER_SYNTAX_UID)
    if element is None or not isinstance(element.value, bytes):
        return ""
    return element.value.decode("latin-1").strip("\0 ")


def _guess_transfer_syntax(first: bytes) -> str:
    """Guess from the first element's header, as pydicom does: big endian makes its group number look large."""
    if not is_vr(first[4:6]):
        return IMPLICIT_VR_LITTLE_ENDIAN
    return (
        EXPLICIT_VR_BIG_ENDIAN if int.from_bytes(first[:2], "little") >= 0x400 else EXPLICIT_VR_LITTLE_ENDIAN
    )


def _looks_like_element(first: bytes) -> bool:
    """Tell whether 8 bytes begin an element of the data dictionary in a group that a file can begin with."""
    for encoding in (LITTLE_ENDIAN, BIG_ENDIAN):
        header = decode_header(first + b"\0\0\0\0", 0, encoding, implicit=False)
        if len(first) < 8 or header is None or header.tag >> 16 not in _FIRST_GROUPS:
            continue
        if is_public_tag(header.tag) or not header.tag & 0xFFFF:
            return header.vr is not None or (encoding is LITTLE_ENDIAN and header.length < BULK_LENGTH)
    return False
