"""Files in which every attribute that may identify somebody holds a value that occurs nowhere else."""

import csv
import functools
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from struct import pack
from typing import Any

import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from shared.dicom.deflate import inflate_data_set
from shared.dicom.deidentification.deidentify_header import Deidentified, deidentify_header
from shared.dicom.deidentification.profile import Profile
from shared.dicom.deidentification.pseudonyms import Pseudonyms
from shared.dicom.deidentification.table import attribute_rows
from shared.dicom.element_writer import PixelBytes, Span
from shared.dicom.header import read_header
from tests.unit.dicom.dicom_files import quiet

SECRET = b"a secret of tests, 32 bytes long"
ENCODINGS = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "big endian": ExplicitVRBigEndian,
}
PIXELS = bytes(range(64))
REFERENCES = (0x00081140, 0x00082112)
"""Sequences whose references are mapped, so that images of a study still find one another."""
UNLISTED_SEQUENCES = ("ReferencedSeriesSequence", "AnatomicRegionSequence")


@dataclass(frozen=True)
class Canary:
    """A value that was planted: where, and as which bytes."""

    place: str
    tag: int
    vr: str
    value: Any
    needle: bytes


class Cage:
    """Makes canaries, each of another value."""

    def __init__(self) -> None:
        self.all: list[Canary] = []

    def make(self, place: str, tag: int, vr: str) -> Any:
        """Return a value for an element."""
        number = len(self.all) + 1
        day = date(1700, 1, 1) + timedelta(days=number)
        text = f"CANARY{number:05d}"
        values: dict[str, Any] = {
            "AS": ("078Y", "078Y"),
            "DA": (f"{day:%Y%m%d}", f"{day:%Y%m%d}"),
            "DS": (f"98765.{number:05d}", f"98765.{number:05d}"),
            "DT": (f"{day:%Y%m%d}013713.{number:06d}+0100", f"{day:%Y%m%d}0137"),
            "IS": (str(900000 + number), str(900000 + number)),
            "TM": (f"013713.{number:06d}", f"013713.{number:06d}"),
            "UI": (f"1.2.999.{number}.7", f"1.2.999.{number}.7"),
        }
        value, needle = values.get(vr, (text, text))
        encoded = needle.encode()
        if vr in ("OB", "OW", "UN"):
            value = text.encode() + b"!"
        if vr in ("US", "SS"):
            value, encoded = 0xB000 + number % 0xFFF, pack("<H", 0xB000 + number % 0xFFF)
        self.all.append(Canary(place, tag, vr, value, encoded))
        return value

    def put(self, data_set: Dataset, place: str, tag: int, vr: str) -> None:
        """Plant a canary in an element of *data_set*; in a sequence, two deep in its item."""
        value: Any
        if vr == "SQ":
            item = Dataset()
            if tag in REFERENCES:
                add(item, 0x00081155, "UI", self.make(place, tag, "UI"))
            else:
                add(item, 0x00080104, "LO", self.make(place, tag, "LO"))
                add(item, 0x00080100, "SH", self.make(place, tag, "SH"))
                inner = Dataset()
                add(inner, 0x00080104, "LO", self.make(place, tag, "LO"))
                item.AnatomicRegionSequence = [inner]
            value = [item]
        else:
            value = self.make(place, tag, vr)
        add(data_set, tag, vr, value)


def add(data_set: Dataset, tag: int, vr: str, value: Any) -> None:
    """Put an element into *data_set*, however wrong its value is."""
    data_set.add(DataElement(tag, vr, value, validation_mode=pydicom.config.IGNORE))


def planted_attributes() -> Iterator[tuple[int, str]]:
    """Yield tag and VR of all of Table E.1-1 and of the forerunner's lists."""
    seen = set()
    for tag, row in attribute_rows().items():
        seen.add(tag)
        if tag == 0x50000000:
            yield from ((0x50003000, "OW"), (0x50022500, "LO"))
        elif tag >> 16 == 0x6000:
            yield from (
                (tag, "OW" if tag & 0x3000 else "LT"),
                (tag + 0x020000, "OW" if tag & 0x3000 else "LT"),
            )
        else:
            yield tag, row.vr
    text = files("shared.dicom.deidentification").joinpath("data", "risky-tags.csv").read_text()
    for line in csv.DictReader(io.StringIO(text)):
        tag = int(line["group"] + line["element"], 16)
        if tag not in seen and tag >> 16 not in (0x5000, 0x6000):
            yield tag, line["vr"] or "LO"


@functools.cache
def a_planted_file(encoding: str) -> tuple[bytes, list[Canary]]:
    """Return a file with canaries everywhere, and the canaries."""
    cage = Cage()
    top, inner = Dataset(), Dataset()
    top.SOPClassUID = CTImageStorage
    for place, data_set in (("top", top), ("nested", inner)):
        for tag, vr in planted_attributes():
            is_of_meta = tag >> 16 == 0x0002 or (place == "top" and tag >> 16 == 0)
            if not is_of_meta:
                cage.put(data_set, place, tag, vr)
        _plant_private(data_set, place, cage)
    middle = Dataset()
    setattr(middle, UNLISTED_SEQUENCES[1], [inner])
    setattr(top, UNLISTED_SEQUENCES[0], [middle])
    for keyword, value in (("Rows", 8), ("Columns", 8), ("BitsAllocated", 8), ("BitsStored", 8)):
        setattr(top, keyword, value)
    top.HighBit, top.SamplesPerPixel, top.PixelRepresentation = 7, 1, 0
    top.PhotometricInterpretation = "MONOCHROME2"
    add(top, 0x7FE00010, "OB", PIXELS)
    return _with_meta(top, encoding, cage), cage.all


def _plant_private(data_set: Dataset, place: str, cage: Cage) -> None:
    for group in (0x0009, 0x2001):
        add(data_set, group << 16 | 0x10, "LO", cage.make(place, group << 16 | 0x10, "LO"))
        for number, vr in ((0x1001, "LO"), (0x1002, "PN"), (0x1003, "UN"), (0x1004, "UI")):
            add(data_set, group << 16 | number, vr, cage.make(place, group << 16 | number, vr))
        item = Dataset()
        for tag, vr in ((0x00100010, "PN"), (0x00100020, "LO"), (0x00080104, "LO")):
            cage.put(item, f"{place}, private", tag, vr)
        add(data_set, group << 16 | 0x1005, "SQ", [item])


def _with_meta(top: Dataset, encoding: str, cage: Cage) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ENCODINGS[encoding]
    meta.MediaStorageSOPClassUID = CTImageStorage
    for tag, vr in (
        (0x00020003, "UI"), (0x00020016, "AE"), (0x00020017, "AE"), (0x00020018, "AE"), (0x00020026, "UR"),
        (0x00020027, "UR"), (0x00020028, "UR"), (0x00020100, "UI"), (0x00020102, "OB"),
    ):  # fmt: skip
        add(meta, tag, vr, cage.make("meta", tag, vr))
    top.file_meta = meta
    preamble = cage.make("preamble", 0, "LO").encode()
    top.preamble = preamble + bytes(128 - len(preamble))
    buffer = io.BytesIO()
    with quiet():
        big = encoding == "big endian"
        pydicom.dcmwrite(buffer, top, little_endian=not big, implicit_vr=encoding == "implicit")
    return buffer.getvalue()


async def rewritten(data: bytes, profile: Profile, secret: bytes = SECRET) -> tuple[bytes, Deidentified]:
    """Return the de-identified file of *data*, and what was said of it."""

    async def fetch(start: int, end: int) -> bytes:
        return data[start:end]

    header = await read_header(fetch, len(data))
    made = deidentify_header(header, profile, Pseudonyms(secret))
    source = await inflate_data_set(fetch, header.dataset_offset, len(data)) if header.deflated else data
    pieces = []
    for piece in made.pieces:
        if isinstance(piece, Span):
            pieces.append(source[piece.start : piece.end])
        else:
            pieces.append(piece.data if isinstance(piece, PixelBytes) else piece)
    return b"".join(pieces), made


def surviving(canaries: list[Canary], data: bytes, *, big_endian: bool = False) -> list[Canary]:
    """Return the canaries that are found in a file, but for its pixels."""
    return [
        canary
        for canary in canaries
        if (canary.needle[::-1] if big_endian and canary.vr in ("US", "SS") else canary.needle) in data
    ]
