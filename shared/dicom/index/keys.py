"""Read how a client calls an attribute in a search: keyword, the standard's name, or number; in sequences with dots."""

import re
from functools import cache
from typing import Final

from shared.dicom.index.document import MAX_DEPTH
from shared.dicom.index.values import vr_of
from shared.dicom.query_attributes import shown
from shared.errors import InvalidQueryError

_NUMERIC: Final = re.compile(r"\(?([0-9A-Fa-f]{4}),? ?([0-9A-Fa-f]{4})\)?")
_NOT_LETTERS: Final = re.compile(r"[^0-9a-z]+")


def path_of(name: str) -> tuple[tuple[str, ...], str]:
    """Return the tags of an attribute, outermost first, each of 8 hex digits, and its VR ("" of a private one).

    Args:
        name: such as `PatientID`, `Patient ID`, `(0010,0020)`, `00100020` or `RequestAttributesSequence.00400009`.

    Raises:
        InvalidQueryError: A part of it is in no dictionary and no number.
    """
    parts = name.split(".", MAX_DEPTH + 1)
    if len(parts) > MAX_DEPTH + 1:
        raise InvalidQueryError(f"an attribute lies more than {MAX_DEPTH} levels deep: {shown(name)}")
    path = tuple(_tag_of(part.strip()) for part in parts)
    return path, vr_of(path[-1], "")


def _tag_of(name: str) -> str:
    if numeric := _NUMERIC.fullmatch(name):
        return (numeric[1] + numeric[2]).upper()
    tag = _named().get(_folded(name)) if name else None
    if tag is None:
        raise InvalidQueryError(
            f"unknown attribute {shown(name)}: write its keyword, its name, or its number as (GGGG,EEEE)"
        )
    return tag


@cache
def _named() -> dict[str, str]:
    """Return the tags of the standard's dictionary by folded name and keyword; keywords go first."""
    from pydicom.datadict import DicomDictionary

    by_name = {_folded(entry[2]): tag for tag, entry in DicomDictionary.items() if entry[2]}
    by_keyword = {_folded(entry[4]): tag for tag, entry in DicomDictionary.items() if entry[4]}
    return {name: f"{tag:08X}" for name, tag in (by_name | by_keyword).items()}


def _folded(name: str) -> str:
    """Return *name* so that `Patient ID`, `patientid` and the forerunner's names with U+200B between words are one."""
    return _NOT_LETTERS.sub("", name.lower())
