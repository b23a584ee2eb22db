"""Sum up one study after a change."""

from shared.dicom.references import StudyRef
from shared.ports.archive import StudySummaries
from shared.telemetry.tracing import flow


@flow
async def summarise_study(ref: StudyRef, *, summaries: StudySummaries) -> None:
    """Bring the study's search rows and the change feed up to every change made before this call."""
    await summaries.refresh(ref)
