"""StudyRisks: what the table `studies` says that studies tell of their patients."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from shared.backends.azure_table import keys
from shared.backends.azure_table.tables import Tables
from shared.dicom.references import StudyRef
from shared.dicom.risk.study_risk import StudyRisk
from shared.records import AssessedStudy

_STUDIES: Final = "studies"
_STUDY_ROW: Final = "study"


class AzureTableRisks:
    """The risks of one data partition's studies."""

    def __init__(self, tables: Tables, partition: str) -> None:
        self._tables = tables
        self._partition = partition

    async def of_study(self, ref: StudyRef) -> StudyRisk | None:
        """Return what a study tells; see StudyRisks.of_study."""
        row = await self._tables.get(_STUDIES, keys.study_key(self._partition, ref), _STUDY_ROW)
        return None if row is None else _risk_of_study(row)

    async def scan(self, after: StudyRef | None = None) -> AsyncIterator[AssessedStudy]:
        """Yield the studies in the order of their keys, which begin with a hash; see StudyRisks.scan."""
        rows = self._tables.query(
            _STUDIES,
            "RowKey eq @row and PartitionKey gt @after",
            {"row": _STUDY_ROW, "after": keys.study_key(self._partition, after) if after else ""},
            select=["PartitionKey", "RowKey", "risk"],
        )
        async for row in rows:
            _, partition, study = row["PartitionKey"].split("!")
            if partition == self._partition:
                yield AssessedStudy(StudyRef(study), _risk_of_study(row))


def risk_of_series(row: Mapping[str, Any]) -> StudyRisk:
    """Return what the row of a series says; one of before there were risks counts its instances as not assessed."""
    return _risk_of_study(row)


def _risk_of_study(row: Mapping[str, Any]) -> StudyRisk:
    return StudyRisk.unpack(row["risk"]) if "risk" in row else StudyRisk()
