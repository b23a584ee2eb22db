"""List what the studies of a collection tell of their patients, page by page."""

from dataclasses import dataclass
from typing import Any, Final

from shared.dicom.references import StudyRef
from shared.dicom.risk.report import study_report
from shared.dicom.risk.rules import RiskLevel
from shared.ports.archive import StudyRisks, StudySummaries
from shared.telemetry.tracing import flow

_REFRESHED: Final = 100
"""Studies that are brought up to date before the first page, the longest-waiting first."""


@dataclass(frozen=True, slots=True)
class RiskPage:
    """Some studies, and after which one the next page begins; None after the last."""

    studies: list[dict[str, Any]]
    next_after: str | None


@flow
async def list_risks(
    *,
    after: StudyRef | None,
    limit: int,
    least: RiskLevel,
    risks: StudyRisks,
    summaries: StudySummaries,
) -> RiskPage:
    """Return up to *limit* studies whose level is at least *least*.

    Args:
        after: The last study of the page before; None for the first page.
        limit: Most studies to return.
        least: The level from which a study is listed.
        risks: Where the summaries' risks are.
        summaries: Some of those that are behind are refreshed before the first page.
    """
    if after is None:
        for ref in await summaries.due(_REFRESHED):
            await summaries.refresh(ref)
    studies: list[dict[str, Any]] = []
    last: str | None = None
    async for found in risks.scan(after):
        if found.risk.assessment.level < least:
            continue
        if len(studies) == limit:
            return RiskPage(studies, last)
        last = found.ref.study_instance_uid
        studies.append(study_report(last, found.risk, with_rules=False))
    return RiskPage(studies, None)
