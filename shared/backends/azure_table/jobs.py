"""Jobs on the table of the same name, as job_rows.py says. The row that makes a job found is written last."""

import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from shared.backends.azure_table import keys
from shared.backends.azure_table.job_rows import (
    HEAD,
    ITEM,
    KEY,
    RECENT,
    head_row,
    item_key,
    item_of,
    item_row,
    job_id_of,
    job_of,
    recent_row,
)
from shared.backends.azure_table.tables import Tables, pause
from shared.backends.azure_table.transactions import Change
from shared.errors import JobNotFoundError
from shared.ports.jobs import Job, JobItem

_TABLE: Final = "jobs"


class AzureTableJobs:
    """A Jobs."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def create(self, job: Job, items: Sequence[JobItem], *, key: bytes = b"") -> None:
        """Keep a job, its items and its secret; the row that makes it found comes last."""
        await self._tables.upsert_rows(_TABLE, [item_row(job.job_id, item) for item in items])
        if key:
            row = {"PartitionKey": keys.checked(job.job_id), "RowKey": KEY, "key": key.hex()}
            await self._tables.upsert(_TABLE, row)
        await self._tables.upsert(_TABLE, recent_row(job))
        await self._tables.upsert(_TABLE, head_row(job))

    async def key(self, job_id: str) -> bytes:
        """Return the secret of a job, or nothing."""
        row = await self._tables.get(_TABLE, keys.checked(job_id), KEY)
        return b"" if row is None else bytes.fromhex(row["key"])

    async def forget_key(self, job_id: str) -> None:
        """Destroy the secret of a job; that it has none is no error."""
        await self._tables.delete(_TABLE, keys.checked(job_id), KEY)

    async def get(self, job_id: str) -> Job:
        """Return a job, or raise JobNotFoundError."""
        row = await self._tables.get(_TABLE, keys.checked(job_id), HEAD)
        if row is None:
            raise JobNotFoundError("there is no such job")
        return job_of(row)

    async def items(self, job_id: str) -> AsyncIterator[JobItem]:
        """Yield the items of a job by number."""
        await self.get(job_id)
        filters = "PartitionKey eq @pk and RowKey ge @first and RowKey lt @end"
        parameters = {"pk": job_id, "first": ITEM, "end": f"{ITEM}:"}
        async for row in self._tables.query(_TABLE, filters, parameters):
            yield item_of(row)

    async def item(self, job_id: str, number: int) -> JobItem:
        """Return one item, or raise JobNotFoundError."""
        row = await self._tables.get(_TABLE, keys.checked(job_id), item_key(number))
        if row is None:
            raise JobNotFoundError("the job has no such item")
        return item_of(row)

    async def add_items(self, job_id: str, items: Sequence[JobItem]) -> None:
        """Keep items whose numbers are not there yet. One caller at a time; nobody works on them meanwhile."""
        there = {item.number async for item in self.items(job_id)}
        await self._tables.upsert_rows(
            _TABLE, [item_row(job_id, item) for item in items if item.number not in there]
        )

    async def put_item(self, job_id: str, item: JobItem) -> None:
        """Write how far an item is, and when."""
        await self._tables.upsert(_TABLE, item_row(job_id, replace(item, changed_at=datetime.now(UTC))))

    async def advance(
        self,
        job_id: str,
        *,
        expected: str,
        phase: str,
        error: str = "",
        item_count: int | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> bool:
        """Change the phase of a job if it is the *expected* one still; of several callers one is told True."""
        mark, attempt = secrets.token_hex(8), 0
        while True:
            row = await self._tables.get(_TABLE, keys.checked(job_id), HEAD)
            if row is None:
                raise JobNotFoundError("there is no such job")
            if row.get("advanced_by") == mark:
                return True  # our own write, the answer to which was lost
            job = job_of(row)
            if job.phase != expected:
                return False
            changed = replace(
                job,
                phase=phase,
                error=error,
                item_count=job.item_count if item_count is None else item_count,
                facts={**job.facts, **(facts or {})},
                changed_at=datetime.now(UTC),
            )
            change = Change("update", {**head_row(changed), "advanced_by": mark}, row.etag)
            if await self._tables.transact(_TABLE, [change]):
                return True
            await pause(attempt)
            attempt += 1

    async def recent(self, limit: int, kind: str = "", *, without: Collection[str] = ()) -> Sequence[Job]:
        """Return the jobs made last, the newest first; one whose making was cut short is left out."""
        filters, parameters = "PartitionKey eq @pk", {"pk": RECENT}
        if kind:
            filters, parameters = filters + " and kind eq @kind", {**parameters, "kind": kind}
        jobs: list[Job] = []
        seen = 0
        async for listed in self._tables.query(_TABLE, filters, parameters, page=max(limit, 1)):
            if seen >= limit:
                break
            if job_id_of(listed) in without:
                seen += 1
                continue
            row = await self._tables.get(_TABLE, job_id_of(listed), HEAD)
            if row is not None:
                seen += 1
                jobs.append(job_of(row))
        return jobs
