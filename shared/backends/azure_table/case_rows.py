"""The rows of clinical cases in the table `cases`, and back. Reads and writes none.

A case is a partition: a row an image, and rows of its own that begin with `!`. The list of a year's cases is another:
a row `a!{id}` a case, with its etag, and beside it `c!{id}` if it is complete, else `p!{id}`, so that cases of either
kind can be paged through without reading the others. A third lists the years.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Literal

from shared.backends.azure_table import keys
from shared.backends.azure_table.entities import Row, StoredRow, etag_of
from shared.backends.azure_table.transactions import Change
from shared.dicom.references import InstanceRef
from shared.records import CaseCommit, CaseImage, CaseQuery, CaseSession, CaseSummary, ObjectKey

TABLE: Final = "cases"
OWN: Final = "!"
"""Begins the row keys of a case that are no images."""
REPORT: Final = "!report"
COMMIT: Final = "!commit"

type Kind = Literal["a", "c", "p"]


def image_row(partition: str, image: CaseImage) -> dict[str, Any]:
    """Return the row of an image."""
    return {
        "PartitionKey": keys.case_key(partition, image.year, image.case_id),
        "RowKey": keys.case_row(image.view, str(image.key)),
        "year": image.year,
        "id": image.case_id,
        "view": image.view,
        "container": image.key.container,
        "name": image.key.name,
        "study": image.ref.study_instance_uid,
        "series": image.ref.series_instance_uid,
        "instance": image.ref.sop_instance_uid,
    }


def image_of(row: Row) -> CaseImage:
    """Return the image of a row."""
    return CaseImage(
        row["year"],
        row["id"],
        row["view"],
        ObjectKey(row["container"], row["name"]),
        InstanceRef(row["study"], row["series"], row["instance"]),
    )


def images_in(rows: Iterable[Row]) -> list[CaseImage]:
    """Return the images among the rows of a case."""
    return [image_of(row) for row in rows if not row["RowKey"].startswith(OWN)]


def commit_of(rows: Iterable[StoredRow]) -> CaseCommit | None:
    """Return the commit among the rows of a case, if it has one."""
    for row in rows:
        if row["RowKey"] == COMMIT:
            begun_at = datetime.fromisoformat(row["begun_at"])
            session = CaseSession(row["session"], row["year"], row["id"], begun_at)
            return CaseCommit(
                session, row["report"], row["fingerprint"], row["previous"], row["done"], etag_of(row)
            )
    return None


def kind_of(query: CaseQuery) -> Kind:
    """Return which rows of the list answer a query."""
    return "a" if query.complete is None else "c" if query.complete else "p"


def list_row(partition: str, kind: Kind, case: CaseSummary) -> dict[str, Any]:
    """Return a row of the list."""
    return {
        "PartitionKey": keys.case_list(partition, case.year),
        "RowKey": f"{kind}!{keys.case_part(case.case_id)}",
        "year": case.year,
        "id": case.case_id,
        "views": json.dumps(case.views),
        "has_report": case.has_report,
        "complete": case.complete,
    }


def listed(row: Row) -> CaseSummary:
    """Return what a row of the list says."""
    return CaseSummary(row["year"], row["id"], json.loads(row["views"]), row["has_report"], row["complete"])


def list_changes(partition: str, case: CaseSummary | None, seen: StoredRow | None) -> list[Change]:
    """Return the changes that make the list say *case* (None: nothing), if it still says *seen* of it."""
    changes: list[Change] = []
    if case is not None:
        row = list_row(partition, "a", case)
        changes.append(Change("insert", row) if seen is None else Change("update", row, etag_of(seen)))
        changes.append(Change("upsert", list_row(partition, "c" if case.complete else "p", case)))
    elif seen is not None:
        changes.append(Change("delete", _keys(seen, "a"), etag_of(seen)))
    if seen is not None and (case is None or case.complete != seen["complete"]):
        changes.append(Change("delete", _keys(seen, "c" if seen["complete"] else "p")))
    return changes


def _keys(seen: StoredRow, kind: Kind) -> Row:
    return {"PartitionKey": seen["PartitionKey"], "RowKey": kind + seen["RowKey"][1:]}
