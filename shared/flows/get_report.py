"""Read the report of a clinical case."""

from dataclasses import dataclass

from shared.errors import CaseNotFoundError
from shared.flows._case_ids import report_etag
from shared.ports.cases import Reports
from shared.telemetry.tracing import flow


@dataclass(frozen=True, slots=True)
class Report:
    """A report and its ETag, without quotes."""

    text: str
    etag: str


@flow
async def get_report(year: int | str, case_id: str, reports: Reports) -> Report:
    """Return the report of exactly this case.

    Raises:
        CaseNotFoundError: There is none.
    """
    text = await reports.get(str(year), case_id)
    if text is None:
        raise CaseNotFoundError("this case has no report")
    return Report(text, report_etag(text))
