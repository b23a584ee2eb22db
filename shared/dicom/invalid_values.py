"""Takes dates and times that are none out of DICOM JSON, so that nobody is sent them. The file keeps them.

Source: PS3.5 2024e §6.2
"""

from collections.abc import Mapping
from typing import Any

from shared.dicom.temporal import is_moment

MAX_WARNINGS = 32
_VRS = frozenset({"DA", "DT", "TM"})
_NAMES = {"DA": "date", "DT": "date with time", "TM": "time"}


def remove_invalid_values(attributes: dict[str, Any]) -> tuple[str, ...]:
    """Remove the top-level attributes of *attributes* that hold a date or time that is none; return a text for each.

    Searches match these attributes, and clients parse them. Other VRs have values that anything may be made of. A
    file may hold a million of them: after MAX_WARNINGS texts the others are removed without.
    """
    invalid = [
        tag for tag, attribute in attributes.items() if attribute["vr"] in _VRS and not _is_valid(attribute)
    ]
    texts = []
    for tag in invalid:
        vr = attributes.pop(tag)["vr"]
        texts.append(
            f"({tag[:4]},{tag[4:]}) holds no {_NAMES[vr]} (VR {vr}): it is left out of metadata and searches"
        )
    return tuple(texts[:MAX_WARNINGS])


def _is_valid(attribute: Mapping[str, Any]) -> bool:
    return all(value is None or is_moment(attribute["vr"], value) for value in attribute.get("Value", ()))
