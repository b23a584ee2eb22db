"""CaseIndex on the table `cases`, and Reports on the forerunner's table `report`."""

from shared.backends.azure_table import keys
from shared.backends.azure_table.tables import Tables
from shared.dicom.references import InstanceRef
from shared.records import CaseImage, ObjectKey

TABLE = "cases"


class AzureTableCases:
    """The images by clinical case of one data partition."""

    def __init__(self, tables: Tables, partition: str) -> None:
        self._tables = tables
        self._partition = keys.partition_name(partition)

    async def put(self, image: CaseImage) -> None:
        """Remember an image; one per object."""
        row = {
            "PartitionKey": keys.case_key(self._partition, image.year, image.case_id),
            "RowKey": keys.case_row(image.view, str(image.key)),
            "view": image.view,
            "container": image.key.container,
            "name": image.key.name,
            "study": image.ref.study_instance_uid,
            "series": image.ref.series_instance_uid,
            "instance": image.ref.sop_instance_uid,
        }
        await self._tables.upsert(TABLE, row)

    async def remove(self, year: str, case_id: str, view: str, key: ObjectKey) -> None:
        """Forget an image; that it is unknown is no error."""
        await self._tables.delete(
            TABLE, keys.case_key(self._partition, year, case_id), keys.case_row(view, str(key))
        )

    async def images_of(self, year: str, case_id: str) -> list[CaseImage]:
        """Return the images of exactly this case, by (view, object name): one query of one partition."""
        rows = await self._tables.rows_of(TABLE, keys.case_key(self._partition, year, case_id))
        images = [
            CaseImage(
                year,
                case_id,
                row["view"],
                ObjectKey(row["container"], row["name"]),
                InstanceRef(row["study"], row["series"], row["instance"]),
            )
            for row in rows
        ]
        return sorted(images, key=lambda image: (image.view, image.key.name))


class AzureTableReports:
    """Reports in rows keyed by year and id, or, where those lack, in the forerunner's layout.

    The forerunner looks at the properties `id`, `year` and `report` only, whatever the keys are. Finding such a row
    reads the whole table, so it is tried only where the keyed row is missing.
    """

    def __init__(self, tables: Tables, table: str) -> None:
        self._tables = tables
        self._table = table

    async def get(self, year: str, case_id: str) -> str | None:
        """Return the report of exactly this case, or None."""
        row = await self._tables.get(self._table, keys.object_row(year), keys.object_row(case_id))
        if row is not None and row.get("id", case_id) == case_id:
            return str(row.get("report", ""))
        filters, parameters = "id eq @id and year eq @year", {"id": case_id, "year": year}
        async for found in self._tables.query(self._table, filters, parameters, select=["report"], page=1):
            return str(found.get("report", ""))
        return None
