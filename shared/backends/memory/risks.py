"""The risks of one partition's studies, added up when asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import groupby

from shared.backends.memory.index import MemoryIndex
from shared.dicom.references import StudyRef
from shared.dicom.risk.study_risk import StudyRisk
from shared.records import AssessedStudy


class MemoryRisks:
    """A StudyRisks over what *index* holds."""

    def __init__(self, index: MemoryIndex) -> None:
        self._index = index

    async def of_study(self, ref: StudyRef) -> StudyRisk | None:
        """Return what a study tells; see StudyRisks."""
        return next((found.risk for found in self._studies() if found.ref == ref), None)

    async def scan(self, after: StudyRef | None = None) -> AsyncIterator[AssessedStudy]:
        """Yield the studies by their UIDs; see StudyRisks."""
        for found in self._studies():
            if after is None or found.ref > after:
                yield found

    def _studies(self) -> list[AssessedStudy]:
        by_study = groupby(self._index.serving_records(), key=lambda record: record.ref.study)
        return [
            AssessedStudy(ref, StudyRisk.of(record.risk for record in records)) for ref, records in by_study
        ]
