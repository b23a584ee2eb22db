"""What the attribute names of a search mean, and at which level an attribute can be matched. Values are elsewhere.

Frequent names are answered from the tables of attributes; pydicom, which takes a quarter of a second to import, is
loaded only for the others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.dicom.attributes import COMPUTED, DESCRIBING, IF_KNOWN, OPTIONAL, REQUIRED, Attribute
from shared.errors import InvalidQueryError, UnsupportedQueryError

if TYPE_CHECKING:
    from shared.dicom.query import Level

MAX_PATH_DEPTH = 8
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_MAX_NAME_IN_MESSAGE = 80

_LEVELS_ABOVE: dict[Level, tuple[Level, ...]] = {
    "study": ("study",),
    "series": ("study", "series"),
    "instance": ("study", "series", "instance"),
}
_FREQUENT = DESCRIBING | {
    tag: attribute
    for tables in (COMPUTED, REQUIRED, IF_KNOWN, OPTIONAL)
    for table in tables.values()
    for tag, attribute in table.items()
}
_FREQUENT_BY_KEYWORD = {attribute.keyword: attribute for attribute in _FREQUENT.values()}
_COMPUTED = {tag for table in COMPUTED.values() for tag in table}


def attribute_of(name: str) -> Attribute:
    """Return the attribute with a keyword, letter case included, or with a tag of 8 hex digits.

    Raises:
        InvalidQueryError: The data dictionary has no such attribute; private ones it never has.

    Source: PS3.18 2024e §8.3.4.1; PS3.6 2024e Table 6-1
    """
    is_tag = _TAG.fullmatch(name) is not None
    frequent = _FREQUENT.get(name.upper()) if is_tag else _FREQUENT_BY_KEYWORD.get(name)
    return frequent or _look_up(name, is_tag=is_tag)


def attribute_path(name: str) -> tuple[Attribute, ...]:
    """Return the attributes of a name such as "RequestAttributesSequence.00400009", outermost first.

    Raises:
        InvalidQueryError: A part of it is in no dictionary, or it is nested too deeply or in what is no sequence.
    """
    parts = name.split(".", MAX_PATH_DEPTH)
    if len(parts) > MAX_PATH_DEPTH:
        raise InvalidQueryError(f"an attribute lies more than {MAX_PATH_DEPTH} levels deep: {shown(name)}")
    path = tuple(attribute_of(part) for part in parts)
    for sequence in path[:-1]:
        if sequence.vr != "SQ":
            raise InvalidQueryError(f"{shown(name)}: {sequence.keyword} is no sequence")
    return path


def check_level(level: Level, path: tuple[Attribute, ...]) -> None:
    """Refuse to match what rows of *level* do not hold: an answer would be empty where it should be unknown.

    Instances are matched by any attribute of their data set; series and studies by those kept with them.

    Raises:
        UnsupportedQueryError: The attribute cannot be matched here; the message says where it can.
    """
    outermost = path[0]
    if outermost.tag in DESCRIBING:
        raise UnsupportedQueryError(f"{outermost.keyword} is returned, but cannot be matched: leave it out")
    if outermost.tag in COMPUTED[level]:
        return
    if outermost.tag in _COMPUTED:
        owner = next(owner for owner, table in COMPUTED.items() if outermost.tag in table)
        raise UnsupportedQueryError(f"{outermost.keyword} cannot be matched per {level}: search per {owner}")
    if level == "instance":
        return
    held = (REQUIRED, IF_KNOWN, OPTIONAL)
    if not any(outermost.tag in tables[above] for tables in held for above in _LEVELS_ABOVE[level]):
        raise UnsupportedQueryError(
            f"{outermost.keyword} cannot be matched per {level}: search per {_lowest_needed(outermost.tag)}"
        )


def shown(name: str) -> str:
    """Return a name of the client's choosing in a form that is safe in a message."""
    return repr(name[:_MAX_NAME_IN_MESSAGE])


def _lowest_needed(tag: str) -> Level:
    in_series = any(tag in tables["series"] for tables in (REQUIRED, IF_KNOWN, OPTIONAL))
    return "series" if in_series else "instance"


def _look_up(name: str, *, is_tag: bool) -> Attribute:
    from pydicom import datadict

    # Some retired attributes have no keyword, and so "" for one.
    tag = int(name, 16) if is_tag else ((name and datadict.tag_for_keyword(name)) or 0)
    known = datadict.dictionary_has_tag(tag) or datadict.repeater_has_tag(tag)
    # Groups below 8 are of files and messages, not of data sets.
    if not known or tag < 0x00080000:
        raise InvalidQueryError(
            f"unknown attribute {shown(name)}: write a keyword with its letter case, or a tag of 8 hex digits"
        )
    vr = str(datadict.dictionary_VR(tag))
    # Where the VR depends on the data, a choice with OW is for blobs, the others are for numbers.
    vr = "OW" if "OW" in vr else vr[:2]
    return Attribute(f"{tag:08X}", vr, str(datadict.keyword_for_tag(tag)))
