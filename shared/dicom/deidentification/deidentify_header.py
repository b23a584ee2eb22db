"""De-identify one file's header: its bytes, as they are to be written, with the places of what is copied between them.

The original is not changed, and what is made is not trusted: it is searched for the patient's own identifiers.
Source: PS3.15 2026d Annex E
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from shared.dicom.deidentification.file_meta import new_file_meta
from shared.dicom.deidentification.identifiers import Identifiers, identifiers_of
from shared.dicom.deidentification.marks import MARKS, mark
from shared.dicom.deidentification.profile import Profile
from shared.dicom.deidentification.pseudonyms import Pseudonyms
from shared.dicom.deidentification.replacements import PATIENT_ID, Replacements
from shared.dicom.deidentification.report import Report
from shared.dicom.deidentification.rewriting import Rewriter
from shared.dicom.element_writer import Piece, PixelBytes, Span, Writer, piece_length
from shared.dicom.elements import BIG_ENDIAN, LITTLE_ENDIAN, DataSet, Element
from shared.dicom.header import Header
from shared.dicom.tags import (
    DEFLATED_TRANSFER_SYNTAXES,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    EXTENDED_OFFSET_TABLE,
    EXTENDED_OFFSET_TABLE_LENGTHS,
    IMPLICIT_VR_LITTLE_ENDIAN,
    PIXEL_DATA,
    PIXEL_DATA_TAGS,
    tag_text,
)
from shared.dicom.uids import validate_uid
from shared.errors import (
    IdentifierLeftError,
    InvalidAttributeError,
    InvalidUidError,
    MissingAttributeError,
    UnsupportedObjectError,
)

_TRANSFER_SYNTAX_UID: Final = 0x0002_0010
_MEDIA_STORAGE_SOP_CLASS_UID: Final = 0x0002_0002
_SOP_CLASS_UID: Final = 0x0008_0016
_SOP_INSTANCE_UID: Final = 0x0008_0018
_STUDY_INSTANCE_UID: Final = 0x0020_000D
_SERIES_INSTANCE_UID: Final = 0x0020_000E
_NATIVE: Final = frozenset({IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN})
_MEDIA_STORAGE_DIRECTORY: Final = "1.2.840.10008.1.3.10"


class InstanceUids(NamedTuple):
    """Which instance a file is; study and series are empty where it names none."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class NewPixels:
    """Pixel data that was masked: native, in little endian unless the file stays as it was.

    Attributes:
        value: of the pixel data.
        vr: of it.
        attributes: of the image that change with it.
        transfer_syntax_uid: that the file is written in; None for its own.
    """

    value: bytes
    vr: str
    attributes: Mapping[int, tuple[str, bytes]] = field(default_factory=dict)
    transfer_syntax_uid: str | None = None


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A file as it is to be written.

    Attributes:
        pieces: bytes, and spans of the original (deflated: of its inflated data set), in their order.
        report: what was done.
        sop_class_uid: as before.
        uids: the new ones of study, series and SOP instance.
        transfer_syntax_uid: that it is written in.
        identifiers: what must not stand in the file.
    """

    pieces: tuple[Piece, ...]
    report: Report
    sop_class_uid: str
    uids: InstanceUids
    transfer_syntax_uid: str
    identifiers: Identifiers

    @property
    def length(self) -> int:
        """Of the file in bytes."""
        return sum(piece_length(piece) for piece in self.pieces)

    @property
    def is_compressed(self) -> bool:
        """Whether its pixel data consists of fragments."""
        return self.transfer_syntax_uid not in _NATIVE


def deidentify_header(
    header: Header, profile: Profile, pseudonyms: Pseudonyms, *, new_pixels: NewPixels | None = None
) -> Deidentified:
    """De-identify the file that *header* was read of.

    Raises:
        MissingAttributeError: it lacks the SOP class or a UID without which it is no instance.
        InvalidAttributeError: one of these, or the transfer syntax, is no UID.
        UnsupportedObjectError: it is a DICOMDIR.
        IdentifierLeftError: an identifier of the patient would be left.
    """
    if _text(header.file_meta, _MEDIA_STORAGE_SOP_CLASS_UID) == _MEDIA_STORAGE_DIRECTORY:
        raise UnsupportedObjectError(
            "This is a DICOMDIR: de-identify the files that it lists, and make a new one."
        )
    _required(header, _SOP_CLASS_UID)
    sop_instance_uid = _required(header, _SOP_INSTANCE_UID)
    patient = (
        _text(header.elements, PATIENT_ID) or _text(header.elements, _STUDY_INSTANCE_UID) or sop_instance_uid
    )
    identifiers = identifiers_of(header.elements, profile)
    replacements = Replacements(profile, pseudonyms, patient)
    for looked_for in (None, identifiers):
        rewriter = Rewriter(
            profile, replacements, header.byte_order, _is_encapsulated(header), repeats=looked_for
        )
        data_set = rewriter.rewrite(header.elements)
        if new_pixels is not None:
            _put_pixels(data_set, new_pixels)
        mark(data_set, profile, pixels_masked=new_pixels is not None)
        made = _made(header, data_set, new_pixels, rewriter.report, identifiers)
        if not _is_left(made, _marks_of(data_set, made)):
            return made
    raise IdentifierLeftError(
        "An identifier of the patient stands in an attribute that cannot be emptied; nothing was written."
    )


def _made(
    header: Header,
    data_set: DataSet,
    new_pixels: NewPixels | None,
    report: Report,
    identifiers: Identifiers,
) -> Deidentified:
    syntax = (new_pixels and new_pixels.transfer_syntax_uid) or _transfer_syntax(header)
    writer = _writer(syntax, encapsulated=_is_encapsulated(header) and new_pixels is None)
    sop_class_uid = _text(data_set, _SOP_CLASS_UID)
    uids = InstanceUids(
        *(_text(data_set, tag) for tag in (_STUDY_INSTANCE_UID, _SERIES_INSTANCE_UID, _SOP_INSTANCE_UID))
    )
    meta = new_file_meta(sop_class_uid, uids.sop_instance_uid, syntax)
    pieces = _with_pixels(writer.write(data_set), new_pixels)
    return Deidentified((meta, *pieces), report, sop_class_uid, uids, syntax, identifiers)


def _writer(syntax: str, *, encapsulated: bool) -> Writer:
    return Writer(
        BIG_ENDIAN if syntax == EXPLICIT_VR_BIG_ENDIAN else LITTLE_ENDIAN,
        implicit=syntax == IMPLICIT_VR_LITTLE_ENDIAN,
        encapsulated=encapsulated,
    )


def _is_left(made: Deidentified, marks: Sequence[bytes]) -> bool:
    """Tell whether an identifier stands in what was made, but for our own words: a patient may be called Basic or Dicom."""
    _, *pieces = made.pieces
    uids = (made.sop_class_uid, made.transfer_syntax_uid, made.uids.sop_instance_uid)
    texts = ["\0".join(uids).encode("latin-1", "replace")]
    for piece in pieces:
        if isinstance(piece, bytes):
            text = piece
            for own in marks:
                text = text.replace(own, b"\0")
            texts.append(text)
    return any(made.identifiers.are_in(text) for text in texts)


def _marks_of(data_set: DataSet, made: Deidentified) -> list[bytes]:
    """Return the marks as they were written."""
    written = []
    for tags in MARKS:
        marks: DataSet = {tag: data_set[tag] for tag in tags if tag in data_set}
        pieces = _writer(made.transfer_syntax_uid, encapsulated=False).write(marks)
        written += [piece for piece in pieces if isinstance(piece, bytes)]
    return written


def _with_pixels(pieces: list[Piece], new_pixels: NewPixels | None) -> list[Piece]:
    if new_pixels is None:
        return pieces
    return [
        PixelBytes(new_pixels.value) if isinstance(piece, Span) and piece.is_pixel_data else piece
        for piece in pieces
    ]


def _put_pixels(data_set: DataSet, new: NewPixels) -> None:
    for tag in (*PIXEL_DATA_TAGS, EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS):
        data_set.pop(tag, None)
    data_set[PIXEL_DATA] = Element(PIXEL_DATA, new.vr, 0, len(new.value), None)
    for tag, (vr, value) in new.attributes.items():
        data_set[tag] = Element(tag, vr, 0, len(value), value)


def _is_encapsulated(header: Header) -> bool:
    if header.pixel_layout is not None:
        return header.pixel_layout.encapsulated
    return header.transfer_syntax_uid not in _NATIVE | DEFLATED_TRANSFER_SYNTAXES


def _transfer_syntax(header: Header) -> str:
    """Return what the file is in truth written in; deflated files are written inflated, so that they can be searched."""
    if header.pixel_layout is not None and header.pixel_layout.encapsulated:
        return _checked(header.transfer_syntax_uid, _TRANSFER_SYNTAX_UID)
    if header.byte_order == ">":
        return EXPLICIT_VR_BIG_ENDIAN
    return IMPLICIT_VR_LITTLE_ENDIAN if header.implicit_vr else EXPLICIT_VR_LITTLE_ENDIAN


def _required(header: Header, tag: int) -> str:
    text = _text(header.elements, tag)
    if not text:
        raise MissingAttributeError(f"{tag_text(tag)} is absent or empty; an instance must have it")
    return _checked(text, tag)


def _checked(text: str, tag: int) -> str:
    try:
        return validate_uid(text, tag_text(tag))
    except InvalidUidError as error:
        raise InvalidAttributeError(str(error)) from None


def _text(data_set: DataSet, tag: int) -> str:
    element = data_set.get(tag)
    value = element.value if element is not None and isinstance(element.value, bytes) else b""
    return value.decode("latin-1").strip(" \0")
