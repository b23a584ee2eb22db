"""List clinical cases, a page at a time."""

import base64
import binascii
from typing import Any, Final

from shared.case_views import VIEWS
from shared.errors import InvalidQueryError
from shared.ports.cases import CaseIndex
from shared.records import CaseQuery, CaseSummary
from shared.telemetry.tracing import flow

MAX_LIMIT: Final = 1000
_MAX_PREFIX: Final = 128


@flow
async def list_cases(
    cases: CaseIndex,
    *,
    year: str | None = None,
    id_prefix: str = "",
    complete: bool | None = None,
    limit: int = 100,
    after: str = "",
) -> dict[str, Any]:
    """Return a page of cases by (year, id), as JSON; "after" in it begins the next page, and is None on the last.

    Args:
        cases: Where to look.
        year: The only year to list.
        id_prefix: How ids begin.
        complete: Whether to list those that lack nothing, or those that lack something.
        limit: Most cases of the page, 1 to 1000.
        after: What the page before said.

    Raises:
        InvalidQueryError: A parameter has no meaning.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidQueryError(f"limit must be 1 to {MAX_LIMIT}")
    if len(id_prefix) > _MAX_PREFIX:
        raise InvalidQueryError(f"id has at most {_MAX_PREFIX} characters")
    last = _place(after) if after else None
    page = await cases.page(CaseQuery(limit + 1, year, id_prefix, complete, last))
    more = len(page) > limit
    page = page[:limit]
    return {
        "cases": [_described(case) for case in page],
        "after": _token(page[-1]) if more else None,
    }


def _described(case: CaseSummary) -> dict[str, Any]:
    missing = [view for view in VIEWS if view not in case.views] + ([] if case.has_report else ["report"])
    return {
        "year": case.year,
        "id": case.case_id,
        "views": dict(case.views),
        "report": case.has_report,
        "missing": missing,
        "complete": case.complete,
    }


def _token(case: CaseSummary) -> str:
    import orjson

    return base64.urlsafe_b64encode(orjson.dumps([case.year, case.case_id])).decode().rstrip("=")


def _place(token: str) -> tuple[str, str]:
    import orjson

    try:
        said = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        said = None
    match said:
        case [str(year), str(case_id)]:
            return year, case_id
    raise InvalidQueryError("after is not what a page before has said")
