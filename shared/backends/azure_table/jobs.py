"""Jobs on the table of the same name: a partition a job, a row an item, one for its secret, and one for the job itself, written last."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

import orjson

from shared.backends.azure_table import keys
from shared.backends.azure_table.entities import Row
from shared.backends.azure_table.tables import Tables
from shared.dicom.references import InstanceRef
from shared.errors import JobNotFoundError
from shared.job_ports import ItemState, Job, JobItem

_TABLE: Final = "jobs"
_HEAD: Final = "job"
_KEY: Final = "key"
_ITEM: Final = "item-"


class AzureTableJobs:
    """A Jobs."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def create(self, job: Job, items: Sequence[JobItem], *, key: bytes = b"") -> None:
        """Keep a job, its items and its secret; the row that makes it found comes last."""
        await self._tables.upsert_rows(_TABLE, [_item_row(job.job_id, item) for item in items])
        if key:
            row = {"PartitionKey": keys.checked(job.job_id), "RowKey": _KEY, "key": key.hex()}
            await self._tables.upsert(_TABLE, row)
        head = {
            "PartitionKey": keys.checked(job.job_id),
            "RowKey": _HEAD,
            "partition": job.partition,
            "parameters": orjson.dumps(job.parameters).decode(),
            "created_at": job.created_at.isoformat(),
            "item_count": job.item_count,
        }
        await self._tables.upsert(_TABLE, head)

    async def key(self, job_id: str) -> bytes:
        """Return the secret of a job, or nothing."""
        row = await self._tables.get(_TABLE, keys.checked(job_id), _KEY)
        return b"" if row is None else bytes.fromhex(row["key"])

    async def forget_key(self, job_id: str) -> None:
        """Destroy the secret of a job; that it has none is no error."""
        await self._tables.delete(_TABLE, keys.checked(job_id), _KEY)

    async def get(self, job_id: str) -> Job:
        """Return a job, or raise JobNotFoundError."""
        row = await self._tables.get(_TABLE, keys.checked(job_id), _HEAD)
        if row is None:
            raise JobNotFoundError("there is no such job")
        return Job(
            job_id=job_id,
            partition=row["partition"],
            parameters=tuple((name, value) for name, value in orjson.loads(row["parameters"])),
            created_at=datetime.fromisoformat(row["created_at"]),
            item_count=int(row["item_count"]),
        )

    async def items(self, job_id: str) -> AsyncIterator[JobItem]:
        """Yield the items of a job by number."""
        await self.get(job_id)
        filters = "PartitionKey eq @pk and RowKey ge @first and RowKey lt @end"
        parameters = {"pk": job_id, "first": _ITEM, "end": f"{_ITEM}:"}
        async for row in self._tables.query(_TABLE, filters, parameters):
            yield JobItem(
                number=int(row["RowKey"].removeprefix(_ITEM)),
                ref=InstanceRef(row["study"], row["series"], row["instance"]),
                state=ItemState(row["state"]),
                error=row["error"],
                output=row["output"],
                counts=orjson.loads(row["counts"]),
            )

    async def put_item(self, job_id: str, item: JobItem) -> None:
        """Write how far an item is."""
        await self._tables.upsert(_TABLE, _item_row(job_id, item))


def _item_row(job_id: str, item: JobItem) -> Row:
    return {
        "PartitionKey": keys.checked(job_id),
        "RowKey": f"{_ITEM}{item.number:08d}",
        "study": item.ref.study_instance_uid,
        "series": item.ref.series_instance_uid,
        "instance": item.ref.sop_instance_uid,
        "state": item.state.value,
        "error": item.error,
        "output": item.output,
        "counts": orjson.dumps(dict(item.counts)).decode(),
    }
