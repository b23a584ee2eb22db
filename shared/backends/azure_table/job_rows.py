"""Jobs and their items as rows, and rows as jobs. Reads and writes none.

A job is a partition: `job` is its head, `key` its secret, `item-00000001` an item. The partition `recent` has a row for
each job, newest first.
"""

from datetime import datetime
from typing import Final

import orjson

from shared.backends.azure_table import keys
from shared.backends.azure_table.entities import Row
from shared.dicom.references import InstanceRef
from shared.ports.jobs import ItemState, Job, JobItem

HEAD: Final = "job"
KEY: Final = "key"
ITEM: Final = "item-"
RECENT: Final = "recent"
_LAST_MOMENT: Final = 10**13
"""In milliseconds; times are counted back from it, so that the newest job comes first."""


def head_row(job: Job) -> dict[str, str | int]:
    """Return the row that makes a job found."""
    return {
        "PartitionKey": keys.checked(job.job_id),
        "RowKey": HEAD,
        "partition": job.partition,
        "parameters": orjson.dumps(job.parameters).decode(),
        "created_at": job.created_at.isoformat(),
        "item_count": job.item_count,
        "kind": job.kind,
        "phase": job.phase,
        "error": job.error,
        "facts": orjson.dumps(dict(job.facts)).decode(),
        "changed_at": _written(job.changed_at),
    }


def job_of(row: Row) -> Job:
    """Return the job of a head row; what rows of older versions lack has the value that it had then."""
    return Job(
        job_id=row["PartitionKey"],
        partition=row["partition"],
        parameters=tuple((name, value) for name, value in orjson.loads(row["parameters"])),
        created_at=datetime.fromisoformat(row["created_at"]),
        item_count=int(row["item_count"]),
        kind=row.get("kind", "deidentify"),
        phase=row.get("phase", "running"),
        error=row.get("error", ""),
        facts=orjson.loads(row.get("facts", "{}")),
        changed_at=_read(row.get("changed_at", "")),
    )


def recent_row(job: Job) -> Row:
    """Return the row that lists a job among all."""
    before_last = _LAST_MOMENT - int(job.created_at.timestamp() * 1000)
    return {"PartitionKey": RECENT, "RowKey": f"{before_last:013d}-{job.job_id}", "kind": job.kind}


def job_id_of(recent: Row) -> str:
    """Return which job a row of `recent` lists."""
    return str(recent["RowKey"]).partition("-")[2]


def item_row(job_id: str, item: JobItem) -> Row:
    """Return the row of an item."""
    ref = item.ref
    return {
        "PartitionKey": keys.checked(job_id),
        "RowKey": item_key(item.number),
        "study": "" if ref is None else ref.study_instance_uid,
        "series": "" if ref is None else ref.series_instance_uid,
        "instance": "" if ref is None else ref.sop_instance_uid,
        "source": item.source,
        "state": item.state.value,
        "error": item.error,
        "output": item.output,
        "counts": orjson.dumps(dict(item.counts)).decode(),
        "facts": orjson.dumps(dict(item.facts)).decode(),
        "changed_at": _written(item.changed_at),
    }


def item_of(row: Row) -> JobItem:
    """Return the item of a row."""
    return JobItem(
        number=int(row["RowKey"].removeprefix(ITEM)),
        ref=InstanceRef(row["study"], row["series"], row["instance"]) if row["study"] else None,
        source=row.get("source", ""),
        state=ItemState(row["state"]),
        error=row["error"],
        output=row["output"],
        counts=orjson.loads(row["counts"]),
        facts=orjson.loads(row.get("facts", "{}")),
        changed_at=_read(row.get("changed_at", "")),
    )


def item_key(number: int) -> str:
    """Return the row key of an item; keys sort as numbers do."""
    return f"{ITEM}{number:08d}"


def _written(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()


def _read(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
