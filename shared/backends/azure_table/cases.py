"""CaseIndex on the table `cases`."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from shared.backends.azure_table import keys
from shared.backends.azure_table.case_rows import (
    REPORT,
    TABLE,
    commit_of,
    image_of,
    image_row,
    images_in,
    kind_of,
    list_changes,
    listed,
)
from shared.backends.azure_table.entities import Row, StoredRow
from shared.backends.azure_table.tables import Tables, pause
from shared.case_views import are_duplicates, check_visible, in_order, summary_of
from shared.errors import ConcurrentChangeError
from shared.records import CaseImage, CaseQuery, CaseSummary, ObjectKey

MAX_IMAGES: Final = 1000
"""Images of a case that its entry in the list is made of; one with more is a mistake of someone's ids."""
_ATTEMPTS: Final = 12

type Edit = Callable[[list[StoredRow]], tuple[list[Row], list[Row]]]
"""Of the rows of a case, which to write and which to remove."""


class AzureTableCases:
    """The images by clinical case of one data partition.

    Whoever changes a case writes its entry in the list afterwards, on condition that nobody else has since before it
    read the case: so the last of several writers has seen what all of them did. A writer that dies in between leaves
    the list behind, until the change is made again, as every change is.
    """

    def __init__(self, tables: Tables, partition: str) -> None:
        self._tables = tables
        self._partition = keys.partition_name(partition)
        self._years: set[str] = set()

    async def put(self, images: Sequence[CaseImage]) -> list[bool]:
        """Remember images of one case: two reads if all is there already, two writes more if not; one less of a new case."""
        case = await self._change(images[0].year, images[0].case_id, self._putting(images), only_adds=True)
        return are_duplicates(images, [*images_in(case), *images])

    def _putting(self, images: Sequence[CaseImage]) -> Edit:
        def edit(rows: list[StoredRow]) -> tuple[list[Row], list[Row]]:
            there = {row["RowKey"]: image_of(row) for row in rows if row["RowKey"] in new}
            return [row for key, row in new.items() if there.get(key) != image_of(row)], []

        new = {row["RowKey"]: row for row in (image_row(self._partition, image) for image in images)}
        return edit

    async def remove(self, year: str, case_id: str, view: str, key: ObjectKey) -> None:
        """Forget an image; that it is unknown is no error."""
        gone = keys.case_row(view, str(key))
        await self._change(year, case_id, lambda rows: ([], [row for row in rows if row["RowKey"] == gone]))

    async def note_report(self, year: str, case_id: str, *, present: bool) -> None:
        """Remember for the list whether the case has a report."""
        row = {"PartitionKey": keys.case_key(self._partition, year, case_id), "RowKey": REPORT}

        def edit(rows: list[StoredRow]) -> tuple[list[Row], list[Row]]:
            is_there = any(found["RowKey"] == REPORT for found in rows)
            return [row] if present and not is_there else [], [row] if is_there and not present else []

        await self._change(year, case_id, edit)

    async def images_of(self, year: str, case_id: str) -> list[CaseImage]:
        """Return the images of exactly this case, by (view, object key): one query of one partition."""
        rows = await self._tables.rows_of(TABLE, keys.case_key(self._partition, year, case_id))
        check_visible(commit_of(rows))
        return in_order(images_in(rows))

    async def page(self, query: CaseQuery) -> list[CaseSummary]:
        """Return up to *query.limit* cases: one query a year, of the rows that are returned."""
        found: list[CaseSummary] = []
        async for year in self._years_of(query):
            found += await self._page_of(year, query, query.limit - len(found))
            if len(found) >= query.limit:
                break
        return found

    async def _years_of(self, query: CaseQuery) -> AsyncIterator[str]:
        if query.year is not None:
            yield query.year
            return
        start = "" if query.after is None else keys.case_part(query.after[0])
        for row in await self._tables.rows_of(TABLE, self._partition, start=start):
            yield row["year"]

    async def _page_of(self, year: str, query: CaseQuery, limit: int) -> list[CaseSummary]:
        kind = kind_of(query)
        prefix = f"{kind}!{keys.case_part(query.id_prefix)}"
        filters = "PartitionKey eq @key and RowKey ge @start and RowKey lt @end"
        parameters = {
            "key": keys.case_list(self._partition, year),
            "start": prefix,
            "end": keys.after_prefix(prefix),
        }
        if query.after is not None and query.after[0] == year:
            filters += " and RowKey gt @after"
            parameters["after"] = f"{kind}!{keys.case_part(query.after[1])}"
        found: list[CaseSummary] = []
        async for row in self._tables.query(TABLE, filters, parameters, page=limit):
            found.append(listed(row))
            if len(found) == limit:
                break
        return found

    async def _change(
        self, year: str, case_id: str, edit: Edit, *, only_adds: bool = False
    ) -> list[StoredRow]:
        """Edit the rows of a case and bring the list up to them; return the rows there were before.

        Of a case that is not listed there are no rows, or those of a writer who will come again: who only adds some
        need not look.
        """
        for attempt in range(_ATTEMPTS):
            seen = await self._tables.get(
                TABLE, keys.case_list(self._partition, year), f"a!{keys.case_part(case_id)}"
            )
            rows = [] if only_adds and seen is None and attempt == 0 else await self._rows(year, case_id)
            written, removed = edit(rows)
            if written:
                await self._tables.upsert_rows(TABLE, written)
            if removed:
                await self._tables.delete_rows(
                    TABLE, [(row["PartitionKey"], row["RowKey"]) for row in removed]
                )
            after = {row["RowKey"]: row for row in [*rows, *written]}
            for row in removed:
                after.pop(row["RowKey"], None)
            case = summary_of(year, case_id, images_in(after.values()), has_report=REPORT in after)
            is_listed = (None if seen is None else listed(seen)) == case
            if (is_listed and not written and not removed) or await self._list(case, seen):
                return rows
            await pause(attempt)
        raise ConcurrentChangeError("a clinical case was changed by others each time; try again")

    async def _rows(self, year: str, case_id: str) -> list[StoredRow]:
        rows: list[StoredRow] = []
        parameters = {"pk": keys.case_key(self._partition, year, case_id)}
        async for row in self._tables.query(TABLE, "PartitionKey eq @pk", parameters):
            rows.append(row)
            if len(rows) >= MAX_IMAGES:
                break
        return rows

    async def _list(self, case: CaseSummary | None, seen: StoredRow | None) -> bool:
        changes = list_changes(self._partition, case, seen)
        if not changes:
            return True
        if case is not None and case.year not in self._years:
            row = {
                "PartitionKey": self._partition,
                "RowKey": keys.case_part(case.year),
                "year": case.year,
            }
            await self._tables.upsert(TABLE, row)
            self._years.add(case.year)
        return await self._tables.transact(TABLE, changes)
