"""StudySearch on tables: candidates by key (candidates.py), judged by dicom/matching.py, within a budget of rows."""

import asyncio
import logging
from collections.abc import AsyncIterator

import orjson

from shared.backends.azure_table import instances, keys
from shared.backends.azure_table.candidates import (
    SERIES_INSTANCE_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
    Candidates,
)
from shared.backends.azure_table.fates import Fates, View
from shared.backends.azure_table.lookups import LookupKeys, first_value
from shared.backends.azure_table.rows import INSTANCE, RecordRows
from shared.backends.azure_table.summaries import AzureTableSummaries
from shared.backends.azure_table.tables import Tables
from shared.backends.azure_table.uncounted import Uncounted
from shared.dicom.matching import matches
from shared.dicom.query import Position, Query, SingleValue
from shared.dicom.references import SeriesRef, StudyRef
from shared.dicom.search_order import position_of
from shared.dicom.search_response import wanted_tags
from shared.errors import AppError, QueryTooBroadError
from shared.records import Json, SearchPage
from shared.telemetry.events import event

_log = logging.getLogger(__name__)

_MAX_REFRESHED = 50
"""Studies brought up to date before a search; more are due only while much is coming in."""
_REFRESHED_AT_ONCE = 4


class _BudgetSpent(Exception):  # noqa: N818  # a signal inside this module, never seen outside
    """As many rows have been read as may be."""


class _Reading:
    """Counts rows read against what is left of a budget."""

    def __init__(self, rows: int, view: View) -> None:
        self.left = rows
        self.view = view
        """Which instances the search shows."""

    def count(self) -> None:
        """Count one row read."""
        if self.left <= 0:
            raise _BudgetSpent
        self.left -= 1


class AzureTableSearch:
    """Searches one data partition.

    Args:
        tables: Where rows are read.
        rows: Turns rows of instances into records.
        summaries: Brings studies up to date whose summary is behind, before they are searched.
        lookup_keys: The partition's lookup keys.
        budget_rows: Rows of studies, series and instances that one search may read.
        count_rows: Rows read past the page, at most, to know the total.
        fates: Of upload sessions, whose instances are left out until they are committed.
    """

    def __init__(
        self,
        tables: Tables,
        rows: RecordRows,
        summaries: AzureTableSummaries,
        lookup_keys: LookupKeys,
        *,
        budget_rows: int,
        count_rows: int,
        fates: Fates | None = None,
    ) -> None:
        self._tables = tables
        self._rows = rows
        self._summaries = summaries
        self._partition = lookup_keys.partition
        self._candidates = Candidates(tables, lookup_keys)
        self._budget_rows = budget_rows
        self._count_rows = count_rows
        self._uncounted = Uncounted()
        self._fates = fates or Fates(tables)

    async def search(self, query: Query) -> SearchPage:
        """Return the page that *query* asks for; see StudySearch.search."""
        await self._refresh_due(query)
        reading = _Reading(self._budget_rows, View(self._fates))
        page: list[Json] = []
        # Metadata of an instance may have megabytes, of which an answer holds but a few attributes.
        wanted = wanted_tags(query)
        matched, end = 0, query.offset + query.limit
        last: Position | None = None
        try:
            async for row in self._matching(query, reading):
                if query.offset <= matched < end:
                    page.append(row if wanted is None else {tag: row[tag] for tag in wanted & row.keys()})
                    last = position_of(query.level, row)
                matched += 1
                if matched == end:
                    reading.left = min(reading.left, 0 if self._uncounted.has(query) else self._count_rows)
                elif matched > end and query.after is not None:
                    break  # it is enough to know that there are more
        except _BudgetSpent:
            if matched < end:
                raise QueryTooBroadError(
                    f"the search would read more than {self._budget_rows} rows; add StudyInstanceUID, PatientID, "
                    "AccessionNumber or a range of StudyDate, or page less far"
                ) from None
            if not self._uncounted.has(query):
                self._uncounted.note(query)
            return SearchPage(page, None, last)
        return SearchPage(page, matched if query.after is None else None, last if matched > end else None)

    async def _refresh_due(self, query: Query) -> None:
        """Bring studies up to date, so that what was stored a moment ago is found, with right counts."""
        if query.within is not None:
            due = [query.within.study if isinstance(query.within, SeriesRef) else query.within]
        else:
            due = await self._summaries.due(_MAX_REFRESHED)
        turns = asyncio.Semaphore(_REFRESHED_AT_ONCE)

        async def refresh(ref: StudyRef) -> None:
            async with turns:
                try:
                    await self._summaries.refresh(ref)
                except AppError as error:
                    # One study must not hide the others: of this one, what was summarised last is searched.
                    event(
                        _log,
                        "study not refreshed",
                        level=logging.WARNING,
                        study_instance_uid=ref.study_instance_uid,
                        error=type(error).__name__,
                    )

        await asyncio.gather(*map(refresh, due))

    async def _matching(self, query: Query, reading: _Reading) -> AsyncIterator[Json]:
        async for study in self._candidates.studies(query):
            reading.count()
            if query.level == "study":
                if _is_due(query, study):
                    yield study
                continue
            async for row in self._within_study(query, study, reading):
                if _is_due(query, row):
                    yield row

    async def _within_study(self, query: Query, study: Json, reading: _Reading) -> AsyncIterator[Json]:
        study_ref = StudyRef(first_value(study, STUDY_INSTANCE_UID))
        one_series = query.within.series_instance_uid if isinstance(query.within, SeriesRef) else ""
        begin = _begin_within(query, study)
        found = await self._tables.rows_of(
            "series",
            keys.study_key(self._partition, study_ref),
            start=max(one_series, begin),
            end=one_series + keys.AFTER_JOIN if one_series else "",
        )
        for found_row in found:
            reading.count()
            # What the study's row says of the study holds for each of its series and instances.
            series = orjson.loads(found_row["row"]) | study
            if query.level == "series":
                yield series
                continue
            ref = SeriesRef(study_ref.study_instance_uid, first_value(series, SERIES_INSTANCE_UID))
            after = query.after.sop_instance_uid if query.after and begin == ref.series_instance_uid else ""
            async for instance in self._instances(query, ref, reading, after):
                yield instance | series

    async def _instances(
        self, query: Query, ref: SeriesRef, reading: _Reading, after: str
    ) -> AsyncIterator[Json]:
        filters, parameters = (
            "PartitionKey eq @key and kind eq @kind",
            {"key": keys.series_key(self._partition, ref), "kind": INSTANCE},
        )
        wanted = next((key.match for key in query.keys if key.path == (SOP_INSTANCE_UID,)), None)
        if isinstance(wanted, SingleValue):
            filters, parameters = filters + " and RowKey eq @row", {**parameters, "row": wanted.text}
        if after:
            filters, parameters = filters + " and RowKey gt @after", {**parameters, "after": after}
        async for row in self._tables.query(instances.TABLE, filters, parameters, page=250):
            reading.count()
            if await reading.view.shows(row):
                yield orjson.loads((await self._rows.to_record(row, ref)).metadata)


def _is_due(query: Query, row: Json) -> bool:
    """Tell whether a row is one to answer with: it matches, and comes after what was answered before."""
    return matches(query, row) and (query.after is None or position_of(query.level, row) > query.after)


def _begin_within(query: Query, study: Json) -> str:
    """Return the series of a study with which an answer goes on; "" for its first."""
    after = query.after
    if after is None or position_of("study", study) != Position(after.day, after.study_instance_uid):
        return ""
    return after.series_instance_uid
