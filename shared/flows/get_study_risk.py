"""Report what the instances of a study tell of their patient together, as their summary has it."""

from typing import Any

from shared.dicom.references import StudyRef
from shared.dicom.risk.report import study_report
from shared.errors import StudyNotFoundError
from shared.ports.archive import StudyRisks, StudySummaries
from shared.telemetry.tracing import flow


@flow
async def get_study_risk(ref: StudyRef, *, risks: StudyRisks, summaries: StudySummaries) -> dict[str, Any]:
    """Return the gravest level, how many instances are of each, and every rule by which anything was found.

    Raises:
        StudyNotFoundError: There is no such study.
    """
    await summaries.refresh(ref)
    risk = await risks.of_study(ref)
    if risk is None:
        raise StudyNotFoundError(f"there is no study {ref.study_instance_uid}")
    return study_report(ref.study_instance_uid, risk, with_rules=True)
