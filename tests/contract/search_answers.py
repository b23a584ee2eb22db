"""What a search must answer, found by judging each record, and how an archive is filled. Holds no tests itself."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any, Final

import orjson

from shared.dicom.matching import matches
from shared.dicom.query import Level, Query
from shared.records import InstanceRecord, Json
from tests.contract.records import Archive

_STUDY_DATE: Final = "00080020"
UID_OF: Final[Mapping[Level, str]] = {"study": "0020000D", "series": "0020000E", "instance": "00080018"}


def value_of(attributes: Json, tag: str) -> Any:
    """Return the first value of an attribute, or None."""
    return next(iter(attributes.get(tag, {}).get("Value", [])), None)


def _order(attributes: Json) -> tuple[int, str, str, str]:
    """Return where a record comes: the newest day first, without one last, then by UIDs."""
    date = str(value_of(attributes, _STUDY_DATE) or "")
    newest_first = -int(date) if len(date) == 8 else 0
    return newest_first, *(str(value_of(attributes, tag)) for tag in UID_OF.values())  # type: ignore[return-value]  # three


def expected_uids(records: list[InstanceRecord], query: Query) -> list[str]:
    """Return the UIDs that answer *query*, its paging aside: each record judged, in order, one a study or series."""
    found = sorted((orjson.loads(record.metadata) for record in records), key=_order)
    found = [attributes for attributes in found if matches(query, attributes)]
    return [
        str(uid)
        for uid, _ in groupby(found, key=lambda attributes: value_of(attributes, UID_OF[query.level]))
    ]


async def fill(archive: Archive, records: list[InstanceRecord]) -> None:
    """Put records one by one, then bring the summaries of their studies up to them."""
    for record in records:
        await archive.index.put([record])
    for ref in dict.fromkeys(record.ref.study for record in records):
        await archive.summaries.refresh(ref)
