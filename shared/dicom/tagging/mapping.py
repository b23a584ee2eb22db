"""Which attributes are set from which keys of a sample's metadata. It reads no file and writes none."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from shared.dicom.tagging.legal_text import TEXT_LIMITS, why_illegal
from shared.dicom.tags import tag_text
from shared.errors import InvalidAttributeError, SettingsError

PATIENT_ID_KEY: Final = "{sample_id}-{attempt:03d}"
"""Stands in a mapping for the sample's id and the number of the attempt, such as `ABC-001`."""
REQUEST_TYPE_KEY: Final = "test_type"
"""The key of the metadata that says which analytics are asked for."""
DEFAULT_MAPPING: Final = (
    "PatientName=patient-name,PatientSpeciesDescription=request_species,BarcodeValue=test_type,"
    f"InstitutionName=clinic-name,PatientID={PATIENT_ID_KEY}"
)
MAX_ATTEMPT: Final = 999
_TAG: Final = re.compile(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?")


class TagRule(NamedTuple):
    """That an attribute is set to what the metadata says under *key*."""

    tag: int
    vr: str
    key: str


class TagValue(NamedTuple):
    """What an attribute is to be, as text."""

    tag: int
    vr: str
    text: str


def tag_rules(mapping: str) -> tuple[TagRule, ...]:
    """Read a mapping: `attribute=key` separated by commas, attributes by keyword or as eight hex digits.

    Raises:
        SettingsError: An attribute is unknown, named twice, or no text.
    """
    rules: dict[int, TagRule] = {}
    for part in mapping.split(","):
        name, _, key = (word.strip() for word in part.partition("="))
        tag, vr = _attribute(name)
        if not key or tag in rules:
            raise SettingsError(f"DICOM_PARTNER_TAGS: {name} needs one key, as in {name}=key")
        rules[tag] = TagRule(tag, vr, key)
    return tuple(rules[tag] for tag in sorted(rules))


def tag_values(
    rules: tuple[TagRule, ...], metadata: Mapping[str, Any], *, sample_id: str, attempt: int
) -> tuple[TagValue, ...]:
    """Return what each attribute is to be.

    Raises:
        InvalidAttributeError: A key is missing, or what it says cannot stand in its attribute; the key and the
            attribute are named, the value is not.
    """
    values = []
    for tag, vr, key in rules:
        found = patient_id(sample_id, attempt) if key == PATIENT_ID_KEY else metadata.get(key)
        if found is None:
            raise InvalidAttributeError(f"the metadata have no {key}, which {tag_text(tag)} is set from")
        if not isinstance(found, str):
            raise InvalidAttributeError(f"{key} of the metadata is no text, so {tag_text(tag)} cannot be set")
        text = found.strip(" ")
        if reason := why_illegal(vr, text):
            raise InvalidAttributeError(f"{key} cannot stand in {tag_text(tag)}, a {vr}: {reason}")
        values.append(TagValue(tag, vr, text))
    return tuple(values)


def request_type_of(metadata: Mapping[str, Any]) -> str:
    """Return which analysis is asked for.

    Raises:
        InvalidAttributeError: The metadata do not say.
    """
    found = metadata.get(REQUEST_TYPE_KEY)
    if not isinstance(found, str) or not found.strip():
        raise InvalidAttributeError(
            f"the metadata have no {REQUEST_TYPE_KEY}, by which the analysis is asked for"
        )
    return found


def patient_id(sample_id: str, attempt: int) -> str:
    """Return the PatientID of a sample at its *attempt*, from 1."""
    return f"{sample_id}-{attempt:03d}"


def _attribute(name: str) -> tuple[int, str]:
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    written = _TAG.fullmatch(name)
    tag = int(written[1] + written[2], 16) if written else tag_for_keyword(name)
    try:
        vr = str(dictionary_VR(tag)) if tag is not None else ""
    except KeyError:
        vr = ""
    if tag is None or vr not in TEXT_LIMITS:
        raise SettingsError(
            f"DICOM_PARTNER_TAGS: {name!r} is no attribute of text; write keywords or tags, as in PatientID=key"
        )
    return int(tag), vr
