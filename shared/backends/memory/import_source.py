"""ImportSource on a dictionary: its specification."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from shared.dicom.references import InstanceRef
from shared.errors import SourceRefusedError
from shared.ports.imports import FoundStudies, ImportFilter, SourceInstance


class MemoryImportSource:
    """Studies by their id, each with instances and their bytes; *fetched* says what was asked for, in order.

    Args:
        studies: By UID; of each instance what is listed, and its bytes.
        page: Most studies of a page.
    """

    lists_uids: Final = True

    def __init__(
        self, studies: Mapping[str, Sequence[tuple[SourceInstance, bytes]]], *, page: int = 2
    ) -> None:
        self.studies = dict(studies)
        self.fetched: list[str] = []
        self._page = page

    async def discover(self, wanted: ImportFilter, after: str = "") -> FoundStudies:
        """Return a page of the studies, all or the one that is asked for."""
        start = int(after or "0")
        all_ids = [study for study in self.studies if wanted.study_instance_uid in ("", study)]
        end = start + self._page
        return FoundStudies(all_ids[start:end], str(end), more=end < len(all_ids))

    async def changes(self, after: str = "") -> FoundStudies:
        """Return the study after those that *after* counts."""
        start = int(after or "0")
        found = list(self.studies)[start : start + 1]
        return FoundStudies(found, str(start + len(found)), more=start + 1 < len(self.studies))

    async def instances(self, study: str) -> AsyncIterator[SourceInstance]:
        """Yield what a study holds."""
        if study not in self.studies:
            raise SourceRefusedError("the source has no such study")
        for instance, _ in self.studies[study]:
            yield instance

    async def fetch(self, instance: SourceInstance) -> AsyncIterator[bytes]:
        """Yield the bytes of an instance."""
        self.fetched.append(instance.source_id)
        for held in self.studies.values():
            for one, content in held:
                if one.source_id == instance.source_id:
                    yield content
                    return
        raise SourceRefusedError("the source has no such instance")

    def mismatch(self, instance: SourceInstance, ref: InstanceRef, patient_id: str) -> str:
        """Compare the UIDs."""
        return "" if instance.ref in (None, ref) else "its UIDs are not those it was asked for by"
