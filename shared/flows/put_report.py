"""Write the report of a clinical case."""

from dataclasses import dataclass

from shared.errors import ObjectExistsError, PreconditionFailedError
from shared.flows._case_ids import check_case, check_report, report_etag
from shared.ports.cases import CaseIndex, Reports
from shared.telemetry.tracing import flow


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold for a write: nothing, that there is none, or that there is one (of an ETag, without quotes)."""

    if_absent: bool = False
    if_match: str | None = None
    """An ETag, or "*" for any."""


@flow
async def put_report(
    year: int | str,
    case_id: str,
    text: str,
    *,
    cases: CaseIndex,
    reports: Reports,
    condition: Condition | None = None,
) -> bool:
    """Write a report, in place of the one there is; return whether there was none.

    That there is none is made sure of by the write itself; an ETag is compared before it.

    Raises:
        InvalidRequestError: Year or id cannot be one.
        PayloadTooLargeError: The report is over 32,000 characters.
        PreconditionFailedError: The condition does not hold.
    """
    condition = condition or Condition()
    check_case(str(year), case_id)
    check_report(text)
    there = await reports.get(str(year), case_id)
    wanted = condition.if_match
    if wanted is not None and (there is None or wanted not in ("*", report_etag(there))):
        raise PreconditionFailedError("the case has no report with this ETag")
    try:
        await reports.put(str(year), case_id, text, if_absent=condition.if_absent)
    except ObjectExistsError:
        if condition.if_absent:
            raise PreconditionFailedError("the case has a report already") from None
        raise
    await cases.note_report(str(year), case_id, present=True)
    return there is None
