"""Tell a client where the next page of a search is. It searches nothing.

Source: RFC 8288 §3
"""

from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request

from shared.dicom.query import Level
from shared.dicom.references import SeriesRef, StudyRef
from shared.errors import InvalidQueryError
from shared.flows._urls import series_url, study_url

_RESOURCES: Final[dict[Level, str]] = {"study": "studies", "series": "series", "instance": "instances"}
_NOT_REPEATED: Final = frozenset({"cursor", "offset", "code"})
"""What places a page otherwise, and the key of the caller, which is not to stand in answers."""


def given_cursor(req: Request) -> str | None:
    """Return the cursor of a search request, or None.

    Raises:
        InvalidQueryError: There are several, or an offset beside it.
    """
    cursors = req.query_params.getlist("cursor")
    if len(cursors) > 1:
        raise InvalidQueryError("cursor is given twice")
    if cursors and "offset" in req.query_params:
        raise InvalidQueryError("cursor and offset exclude each other: a cursor says where the page begins")
    return cursors[0] if cursors else None


def next_link(req: Request, root: str, level: Level, within: StudyRef | SeriesRef | None, cursor: str) -> str:
    """Return the Link header to the page after the one that *req* asks for.

    Args:
        req: The request.
        root: Public root of the service.
        level: What is searched.
        within: The study or series in which it is searched.
        cursor: Where the next page begins.
    """
    match within:
        case SeriesRef():
            above = series_url(root, within)
        case StudyRef():
            above = study_url(root, within)
        case None:
            above = root
    parameters = [pair for pair in req.query_params.multi_items() if pair[0] not in _NOT_REPEATED]
    query = urlencode([*parameters, ("cursor", cursor)], quote_via=quote)
    return f'<{above}/{_RESOURCES[level]}?{query}>; rel="next"'
