"""Answer a search for studies, series or instances. Who finds them is the port's business, what they mean matching's."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.dicom.query import Level, Query
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.dicom.search_response import project
from shared.flows._cursor import open_cursor, seal_cursor
from shared.flows._urls import instance_url, series_url, study_url
from shared.ports.archive import StudySearch
from shared.records import Json
from shared.telemetry.tracing import flow


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """The rows to answer with, and how many match in all; None where that was not counted.

    *next_cursor* leads to the rows that follow; None if none do, or no key was given.
    """

    rows: list[Json]
    total: int | None
    next_cursor: str | None = None


@flow
async def search_archive(
    query: Query, *, service_url: str, search: StudySearch, cursor: str | None = None, cursor_key: bytes = b""
) -> SearchAnswer:
    """Return the page that *query* asks for, each row with what was asked for and where to retrieve it.

    Args:
        query: The search.
        service_url: Public root of the service, for RetrieveURL.
        search: Who finds the rows.
        cursor: Where the page begins, from an answer to the same search; at *query.offset* if there is none.
        cursor_key: With which cursors are sealed, 32 bytes; without it none are made.

    Raises:
        InvalidQueryError: The cursor is none of this search.
        QueryTooBroadError: More rows than the budget would have to be read.

    Source: PS3.18 2024e §10.6
    """
    if cursor is not None:
        query = replace(query, after=open_cursor(cursor, query, cursor_key), offset=0)
    page = await search.search(query)
    rows = [
        project(query, row, retrieve_url=_retrieve_url(service_url, query.level, row)) for row in page.rows
    ]
    if page.last is None or not cursor_key:
        return SearchAnswer(rows, page.total)
    return SearchAnswer(rows, page.total, seal_cursor(page.last, query, cursor_key))


def _retrieve_url(service_url: str, level: Level, row: Mapping[str, Any]) -> str:
    study, series, instance = (
        str(row.get(tag, {}).get("Value", [""])[0]) for tag in ("0020000D", "0020000E", "00080018")
    )
    if level == "study":
        return study_url(service_url, StudyRef(study))
    if level == "series":
        return series_url(service_url, SeriesRef(study, series))
    return instance_url(service_url, InstanceRef(study, series, instance))
