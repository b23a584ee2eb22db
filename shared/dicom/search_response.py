"""Which attributes of a matching row go into a search answer. It neither searches nor makes URLs.

Source: PS3.18 2025a §10.6.3.3
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.dicom.attributes import COMPUTED, IF_KNOWN, REQUIRED
from shared.dicom.references import SeriesRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.dicom.query import Level, Query

_CHARACTER_SET = "00080005"
_AVAILABILITY = "00080056"
_TIMEZONE = "00080201"
_RETRIEVE_URL = "00081190"
_PARENTS = ("0020000D", "0020000E")


def project(query: Query, row: Mapping[str, Any], *, retrieve_url: str | None = None) -> dict[str, Any]:
    """Return what the answer to *query* says of one matching row, tags ascending.

    Required attributes that the row lacks are there, empty. A request for the series or instances of all studies
    adds the attributes of the levels above. Values kept elsewhere as bulk data are left out.

    Args:
        query: The search.
        row: DICOM JSON of a study, series or instance, with what is known of the levels above.
        retrieve_url: Where the study, series or instance can be retrieved.
    """
    levels = _levels(query)
    answer: dict[str, Any] = {
        tag: {"vr": attribute.vr} for level in levels for tag, attribute in REQUIRED[level].items()
    }
    answer |= {tag: {"vr": attribute.vr} for tag, attribute in COMPUTED[query.level].items()}
    wanted = wanted_tags(query)
    for tag in row if wanted is None else wanted & row.keys():
        if "BulkDataURI" not in row[tag] and "InlineBinary" not in row[tag]:
            answer[tag] = row[tag]
    answer[_CHARACTER_SET] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    answer.setdefault(_AVAILABILITY, row.get(_AVAILABILITY, {"vr": "CS", "Value": ["ONLINE"]}))
    if retrieve_url is not None:
        answer[_RETRIEVE_URL] = {"vr": "UR", "Value": [retrieve_url]}
    return dict(sorted(answer.items()))


def wanted_tags(query: Query) -> frozenset[str] | None:
    """Return the tags that `project` takes from a row; None for all. Who holds many rows need hold no more of them."""
    if query.include_all:
        return None
    wanted = {_TIMEZONE, _AVAILABILITY, *_PARENTS, *COMPUTED[query.level], *query.includefields}
    wanted.update(key.path[0] for key in query.keys)
    for level in _levels(query):
        wanted.update(REQUIRED[level], IF_KNOWN[level], COMPUTED[level])
    return frozenset(wanted)


def _levels(query: Query) -> tuple[Level, ...]:
    """Return the levels whose attributes the answer has: not those that the path of the request settles."""
    if query.level == "study":
        return ("study",)
    above: tuple[Level, ...] = () if query.within else ("study",)
    if query.level == "series":
        return (*above, "series")
    return (*above, "instance") if isinstance(query.within, SeriesRef) else (*above, "series", "instance")
