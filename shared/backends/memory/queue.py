"""Jobs in a list. Does not run them, and does not coalesce: every request is kept, in order."""

from __future__ import annotations

from shared.dicom.references import StudyRef


class MemoryJobQueue:
    """A JobQueue whose *changed_studies* a test takes from."""

    def __init__(self) -> None:
        self.changed_studies: list[StudyRef] = []

    async def study_changed(self, ref: StudyRef) -> None:
        """Ask that the study's summary be refreshed."""
        self.changed_studies.append(ref)
