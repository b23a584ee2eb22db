"""Which fields a document of the search index has, and of which kind. There is a fixed number of them.

Every attribute can be asked for by its exact value, for all stand in the one field `info`. These have a field of
their own besides, by which one can sort out ranges, beginnings and patterns; private attributes never have.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Final

from shared.dicom.attributes import IF_KNOWN, OPTIONAL, REQUIRED, Attribute

EDITION: Final = 2
"""Of documents and fields; with another one the index is built anew."""


class Kind(StrEnum):
    """What a field holds, and so how it compares."""

    TEXT = "text"
    """Compared as a whole, by code points."""
    DATE = "date"
    """A day, as YYYYMMDD."""
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


PARTITION: Final = "partition"
DELETED: Final = "deleted"
INFO: Final = "info"
UIDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
"""They place a document among the others."""

OWN: Final[Mapping[str, Kind]] = {
    PARTITION: Kind.TEXT,
    DELETED: Kind.BOOLEAN,
    INFO: Kind.TEXT,
    "truncated": Kind.BOOLEAN,
    "bucket": Kind.TEXT,
    "object_key": Kind.TEXT,
    "size": Kind.INTEGER,
    "indexed_on": Kind.DATE,
    "year": Kind.TEXT,
    "risk": Kind.TEXT,
    "TransferSyntaxUID": Kind.TEXT,
}
"""Not of the data set. `year` is StudyDate's; `indexed_on` the day, in UTC, of a deleted instance that on which it was
found so; `truncated`: not everything fitted."""
ASKABLE: Final = (
    "truncated",
    "bucket",
    "object_key",
    "size",
    "indexed_on",
    "year",
    "risk",
    "TransferSyntaxUID",
)

NAME_PARTS: Final = ("family", "given", "middle", "prefix", "suffix", "ideographic", "phonetic")
"""Components of the alphabetic group, then the other groups, all folded as person names are compared.

Source: PS3.5 2024e §6.2.1
"""

FACETS: Final[Mapping[str, str]] = {
    "modality": "Modality",
    "year": "year",
    "manufacturer": "Manufacturer",
    "risk": "risk",
}
"""Fields by which answers are counted."""

_MORE: Final = (
    Attribute("00080008", "CS", "ImageType"),
    Attribute("00080070", "LO", "Manufacturer"),
    Attribute("00081090", "LO", "ManufacturerModelName"),
    Attribute("00180015", "CS", "BodyPartExamined"),
    Attribute("00180050", "DS", "SliceThickness"),
    Attribute("00180060", "DS", "KVP"),
    Attribute("00180087", "DS", "MagneticFieldStrength"),
    Attribute("00181030", "LO", "ProtocolName"),
    Attribute("00185101", "CS", "ViewPosition"),
    Attribute("00200060", "CS", "Laterality"),
    Attribute("00200062", "CS", "ImageLaterality"),
    Attribute("00280002", "US", "SamplesPerPixel"),
    Attribute("00280004", "CS", "PhotometricInterpretation"),
    Attribute("00280301", "CS", "BurnedInAnnotation"),
)
_KINDS: Final[Mapping[str, Kind]] = {
    "DA": Kind.DATE,
    **dict.fromkeys(("IS", "SL", "SS", "UL", "US"), Kind.INTEGER),
    **dict.fromkeys(("DS", "FD", "FL"), Kind.NUMBER),
    **dict.fromkeys(("AE", "AS", "CS", "LO", "LT", "SH", "ST", "TM", "UI"), Kind.TEXT),
}


@cache
def attributes() -> Mapping[str, Attribute]:
    """Return the attributes that have a field of their own, by tag; those of VR PN have one for each part."""
    tables = [table for group in (REQUIRED, IF_KNOWN, OPTIONAL) for table in group.values()]
    all_of_them = [*(attribute for table in tables for attribute in table.values()), *_MORE]
    return {
        attribute.tag: attribute
        for attribute in all_of_them
        if attribute.vr == "PN" or attribute.vr in _KINDS
    }


def kind_of(attribute: Attribute) -> Kind:
    """Return what the field of an attribute holds."""
    return _KINDS.get(attribute.vr, Kind.TEXT)


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every field by its name; the parts of a person name as `PatientName.family`."""
    found = dict(OWN)
    for attribute in attributes().values():
        if attribute.vr == "PN":
            found |= {f"{attribute.keyword}.{part}": Kind.TEXT for part in NAME_PARTS}
        else:
            found[attribute.keyword] = kind_of(attribute)
    return found
