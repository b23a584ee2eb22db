"""Put together one clinical case: its views, its report, and what is missing of them."""

from typing import Any

from shared.flows._case_images import CasePorts, find_case
from shared.flows._described_case import CaseUrls, describe_case
from shared.telemetry.tracing import flow

__all__ = ["CasePorts", "CaseUrls", "get_case"]


@flow
async def get_case(
    year: int | str, case_id: str, *, urls: CaseUrls, ports: CasePorts, strict: bool = False
) -> dict[str, Any]:
    """Return the case of exactly this year and id, as JSON. No object is read and nothing listed.

    Of several images of one view the first by object name is in "views", the others in "duplicates". Spacing is that
    of rows, then columns, in mm; sizes are in bytes.

    Args:
        year: As number or text.
        case_id: Such as "S0000001".
        urls: Public roots, for URLs.
        ports: Where to look.
        strict: Whether a case that lacks anything is an error.

    Raises:
        CaseNotFoundError: There is no image and no report of it.
        IncompleteCaseError: With *strict*, something is missing.
    """
    case = await find_case(year, case_id, ports)
    case.check(strict=strict)
    return describe_case(case, urls)
