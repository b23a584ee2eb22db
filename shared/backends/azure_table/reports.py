"""Reports on the forerunner's table `report`, in its layout: the properties `id`, `year` and `report`, any keys.

A row that this archive writes has the year and the id for keys besides, so that it is found without a search; the
forerunner's own query still finds it. A row that others wrote is found by a search through the whole table, so that is
tried only where the keyed row is missing, and no more once all rows have been moved to such keys.

The table is others' as much as ours, with properties of any type, and is asked seldom: so by the SDK, which knows all
types, and not as the archive's own tables are (docs/adr/0005).
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.data.tables import TableEntity, UpdateMode
from azure.data.tables.aio import TableClient

from shared.backends.azure_table import keys
from shared.backends.azure_table.tables import Tables
from shared.errors import BackendUnavailableError, ObjectExistsError, PayloadTooLargeError
from shared.records import ReportMigration

_MARKS: Final = "checkpoints", "reports"
MAX_TEXT: Final = 32_000
"""Characters of a report; a property of a table row holds 32 Ki of them."""


class AzureTableReports:
    """The reports of one table.

    Args:
        client: Of that table.
        tables: The archive's own, where it is noted that every row has been moved.
    """

    def __init__(self, client: TableClient, tables: Tables) -> None:
        self._client = client
        self._tables = tables
        self._is_migrated = False

    async def get(self, year: str, case_id: str) -> str | None:
        """Return the report of exactly this case, or None: one read by key if it is there, or nothing is to be searched."""
        row = await self._row(year, case_id)
        if row is not None and _case(row, (year, case_id)) == (year, case_id):
            return str(row.get("report", ""))
        return None if await self._all_are_keyed() else await self._search(year, case_id)

    async def put(self, year: str, case_id: str, text: str, *, if_absent: bool = False) -> None:
        """Write the report of a case, keeping what others wrote beside it; see Reports.put.

        After an answer that was lost the row is there. It is known by what it says: another writer of the very same at
        the very same moment is told that it was written too, as it was.
        """
        if len(text.encode("utf-16-le")) > 2 * MAX_TEXT:
            raise PayloadTooLargeError(f"a report has at most {MAX_TEXT} characters")
        found = await self._row(year, case_id)
        if found is not None and _case(found, (year, case_id)) != (year, case_id):
            raise ObjectExistsError(
                "the place of this report is taken by the report of another case; move that row of the table"
            )
        if if_absent and await self.get(year, case_id) is not None:
            raise ObjectExistsError("the case has a report already")
        row = {**_properties(found or {}), **_keyed(year, case_id), "report": text}
        if not if_absent:
            async with self._translated():
                await self._client.upsert_entity(row, mode=UpdateMode.REPLACE)
        elif not await self._insert_or_find(row, year, case_id):
            raise ObjectExistsError("the case has a report already")

    async def migrate(self, after: str, limit: int) -> ReportMigration:
        """Move up to *limit* rows to their keys; see Reports.migrate.

        Of several rows of one case the first is moved, as it is the one that a search finds; one that says the same is
        removed, one that says something else stays.
        """
        rows = await self._rows_after(after, limit)
        moved = kept = 0
        cases = tuple(case for row in rows if (case := _case(row)) is not None)
        for row in rows:
            case = _case(row)
            if case is None or (row["PartitionKey"], row["RowKey"]) == _place(*case):
                continue
            if await self._move(row, *case):
                moved += 1
            else:
                kept += 1
        if len(rows) < limit:
            mark = {"PartitionKey": _MARKS[1], "RowKey": self._client.table_name, "all_keyed": True}
            await self._tables.upsert(_MARKS[0], mark)
            return ReportMigration(moved, kept, cases, None)
        last = json.dumps([rows[-1]["PartitionKey"], rows[-1]["RowKey"]])
        return ReportMigration(moved, kept, cases, last)

    async def _move(self, row: TableEntity, year: str, case_id: str) -> bool:
        new = {**_properties(row), **_keyed(year, case_id), "report": str(row.get("report", ""))}
        if not await self._insert(new):
            there = await self._row(year, case_id)
            same_case = there is not None and _case(there) == (year, case_id)
            if there is None or not same_case or there.get("report") != new["report"]:
                return False
        async with self._translated():
            try:
                await self._client.delete_entity(row, match_condition=MatchConditions.IfNotModified)
            except (ResourceModifiedError, ResourceNotFoundError):
                return False
        return True

    async def _rows_after(self, after: str, limit: int) -> list[TableEntity]:
        """Return rows in the order of their keys: first the rest of a partition, then those that follow."""
        ranges: list[tuple[str, dict[str, str]]] = [("", {})]
        if after:
            partition, row = json.loads(after)
            ranges = [
                ("PartitionKey eq @pk and RowKey gt @rk", {"pk": partition, "rk": row}),
                ("PartitionKey gt @pk", {"pk": partition}),
            ]
        found: list[TableEntity] = []
        for filters, parameters in ranges:
            if len(found) < limit:
                async for each in self._query(filters, parameters, page=limit):
                    found.append(each)
                    if len(found) == limit:
                        break
        return found

    async def _search(self, year: str, case_id: str) -> str | None:
        filters, parameters = "id eq @id and year eq @year", {"id": case_id, "year": year}
        async for found in self._query(filters, parameters, select=["report"], page=1):
            return str(found.get("report", ""))
        return None

    async def _query(
        self, filters: str, parameters: Mapping[str, str], *, page: int, select: list[str] | None = None
    ) -> AsyncIterator[TableEntity]:
        """Yield the rows that fit, in the order of their keys; the SDK quotes the values of `@name` in *filters*."""
        async with self._translated():
            async for row in self._client.query_entities(
                filters, parameters=dict(parameters), select=select, results_per_page=page
            ):
                yield row

    async def _row(self, year: str, case_id: str) -> TableEntity | None:
        async with self._translated():
            try:
                return await self._client.get_entity(*_place(year, case_id))
            except ResourceNotFoundError as error:
                if getattr(error, "error_code", None) == "TableNotFound":
                    raise
                return None

    async def _insert_or_find(self, row: Mapping[str, Any], year: str, case_id: str) -> bool:
        """Write a new row, or find this very one written although nobody said so; False if there is another."""
        try:
            if await self._insert(row):
                return True
        except BackendUnavailableError:
            if await self._row(year, case_id) != row:
                raise
            return True
        return await self._row(year, case_id) == row

    async def _insert(self, row: Mapping[str, Any]) -> bool:
        """Write a new row; False if there is one."""
        async with self._translated():
            try:
                await self._client.create_entity(row)
            except ResourceExistsError:
                return False
        return True

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except (ServiceRequestError, ServiceResponseError) as error:
            raise BackendUnavailableError(f"table {self._client.table_name}: no answer") from error
        except HttpResponseError as error:
            code = getattr(error, "error_code", None)
            raise BackendUnavailableError(
                f"table {self._client.table_name}: status {error.status_code} ({code})"
            ) from error

    async def _all_are_keyed(self) -> bool:
        if not self._is_migrated:
            mark = await self._tables.get(_MARKS[0], _MARKS[1], self._client.table_name)
            self._is_migrated = mark is not None
        return self._is_migrated


def _place(year: str, case_id: str) -> tuple[str, str]:
    return keys.object_row(year), keys.object_row(case_id)


def _keyed(year: str, case_id: str) -> dict[str, Any]:
    partition_key, row_key = _place(year, case_id)
    return {"PartitionKey": partition_key, "RowKey": row_key, "year": year, "id": case_id}


def _properties(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("PartitionKey", "RowKey")}


def _case(row: Mapping[str, Any], otherwise: tuple[str, str] | None = None) -> tuple[str, str] | None:
    """Return year and id of a row; where it lacks both, *otherwise*."""
    year, case_id = row.get("year"), row.get("id")
    if year is None or case_id is None:
        return otherwise
    return str(year), str(case_id)
