"""Read what another service says of a store request: which instances it holds now, and why it took no others.

Source: PS3.18 2024e §10.5.3, Annex I; Azure DICOM service, conformance statement v2, "Store failure reason codes"
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from shared.dicom.references import InstanceRef
from shared.errors import InvalidUidError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_REFERENCED: Final = "00081199"
_FAILED: Final = "00081198"
_URL: Final = "00081190"
_REASON: Final = "00081197"
_PLACE: Final = re.compile(r"/studies/([0-9.]{1,64})/series/([0-9.]{1,64})/instances/([0-9.]{1,64})/?$")
_VALIDATION: Final = 43264
"""So the Azure DICOM service's documents call it; its code gives it for an instance of another study too."""
_REASONS: Final = {
    272: "processing-failure",
    290: "sop-class-not-supported",
    _VALIDATION: "validation",
    43265: "study-mismatch",
    45063: "class-mismatch",
    45070: "already-exists",
    45071: "being-created",
}


@dataclass(frozen=True, slots=True)
class StoreAnswer:
    """What a service said.

    Attributes:
        stored: Instances that it stored and says where.
        failures: How many it did not store, by a word for the reason.
    """

    stored: tuple[InstanceRef, ...] = ()
    failures: Mapping[str, int] = field(default_factory=dict)


def read_store_answer(data_set: Any, *, of_one_study: bool) -> StoreAnswer:
    """Read the data set of an answer; what cannot be understood of it is passed over.

    Args:
        data_set: DICOM JSON, as a service sent it: of any shape.
        of_one_study: Whether the request was for one study. Reason 43264 may mean the study then, so it is counted as
            "study-mismatch", as is 43265.
    """
    stored = tuple(
        ref for item in _items(data_set, _REFERENCED) if (ref := _place(_value(item, _URL))) is not None
    )
    failures: Counter[str] = Counter()
    for item in _items(data_set, _FAILED):
        reason = _value(item, _REASON)
        if of_one_study and reason == _VALIDATION:
            reason = 43265
        failures[_REASONS.get(reason, "other") if isinstance(reason, int) else "other"] += 1
    return StoreAnswer(stored, dict(sorted(failures.items())))


def _items(data_set: Any, tag: str) -> Iterator[dict[str, Any]]:
    element = data_set.get(tag) if isinstance(data_set, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    for item in values if isinstance(values, list) else ():
        if isinstance(item, dict):
            yield item


def _value(item: dict[str, Any], tag: str) -> Any:
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def _place(url: Any) -> InstanceRef | None:
    match = _PLACE.search(url) if isinstance(url, str) else None
    try:
        return InstanceRef(match[1], match[2], match[3]) if match is not None else None
    except InvalidUidError:
        return None
