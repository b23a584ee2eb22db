"""Answer a search for studies, series or instances. Who finds them is the port's business, what they mean matching's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.dicom.query import Level, Query
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.dicom.search_response import project
from shared.flows._urls import instance_url, series_url, study_url
from shared.ports import StudySearch
from shared.records import Json


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """The rows to answer with, and how many match in all; None where that was not counted."""

    rows: list[Json]
    total: int | None


async def search_archive(query: Query, *, service_url: str, search: StudySearch) -> SearchAnswer:
    """Return the page that *query* asks for, each row with what was asked for and where to retrieve it.

    Args:
        query: The search.
        service_url: Public root of the service, for RetrieveURL.
        search: Who finds the rows.

    Raises:
        QueryTooBroadError: More rows than the budget would have to be read.

    Source: PS3.18 2024e §10.6
    """
    page = await search.search(query)
    rows = [
        project(query, row, retrieve_url=_retrieve_url(service_url, query.level, row)) for row in page.rows
    ]
    return SearchAnswer(rows, page.total)


def _retrieve_url(service_url: str, level: Level, row: Mapping[str, Any]) -> str:
    study, series, instance = (
        str(row.get(tag, {}).get("Value", [""])[0]) for tag in ("0020000D", "0020000E", "00080018")
    )
    if level == "study":
        return study_url(service_url, StudyRef(study))
    if level == "series":
        return series_url(service_url, SeriesRef(study, series))
    return instance_url(service_url, InstanceRef(study, series, instance))
