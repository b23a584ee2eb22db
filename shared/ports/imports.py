"""The port of imports: archives elsewhere that instances are taken from, and the values that are exchanged.

An adapter knows one kind of archive. It never passes on what it was told without a check: ids enter URLs escaped, and
only if they look as ids of that kind do.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.dicom.references import InstanceRef


@dataclass(frozen=True, slots=True)
class ImportFilter:
    """Which studies to take; an empty text asks for nothing.

    Attributes:
        patient_id: PatientID, whole.
        study_date: YYYYMMDD, or a range of two with a dash, one of which may be missing.
        modality: One that the study has.
        study_instance_uid: The one study.
        accession_number: AccessionNumber, whole.
    """

    patient_id: str = ""
    study_date: str = ""
    modality: str = ""
    study_instance_uid: str = ""
    accession_number: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether every study is asked for."""
        return self == ImportFilter()


@dataclass(frozen=True, slots=True)
class FoundStudies:
    """One page of what there is: ids of the source's own, where the next page begins, and whether there may be one."""

    studies: Sequence[str]
    after: str
    more: bool


@dataclass(frozen=True, slots=True)
class SourceInstance:
    """An instance as its source lists it; what the source does not say is None."""

    source_id: str
    ref: InstanceRef | None = None
    size: int | None = None
    """In bytes."""


class ImportSource(Protocol):
    """An archive that instances are taken from.

    Every method raises SourceUnavailableError when trying again may help, after it was tried a few times, and
    SourceRefusedError when it cannot. Neither error says anything of a patient.
    """

    @property
    def lists_uids(self) -> bool:
        """Whether instances are listed with their UIDs, so that those in hand need not be fetched."""
        ...

    async def discover(self, wanted: ImportFilter, after: str = "") -> FoundStudies:
        """Return a page of the studies that *wanted* asks for; a study may come twice.

        Raises:
            UnsupportedQueryError: The source cannot be asked so.
        """
        ...

    async def changes(self, after: str = "") -> FoundStudies:
        """Return what has come since *after*, in pieces that `instances` takes as it takes studies.

        An empty *after* is the beginning. `after` of the last page is where to go on another day.

        Raises:
            UnsupportedQueryError: The source keeps no list of changes.
        """
        ...

    def instances(self, study: str) -> AsyncIterator[SourceInstance]:
        """Yield the instances of a study, in an order of the source's own."""
        ...

    def fetch(self, instance: SourceInstance) -> AsyncIterator[bytes]:
        """Yield the bytes of an instance; the first piece is the first 4 MiB, or all of it.

        What breaks off before the end raises SourceUnavailableError, never ends early.
        """
        ...

    def mismatch(self, instance: SourceInstance, ref: InstanceRef, patient_id: str) -> str:
        """Say how what came differs from what was asked for, in words without values; nothing if it does not."""
        ...
