"""Read from a request which clinical case it is about."""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.requests import Request

_SLASH: Final = re.compile("%2f", re.IGNORECASE)


def case_named(req: Request) -> tuple[str, str]:
    """Return year and id.

    The host decodes all of a route parameter but `%2F`, so an id with a slash and one with the text "%2F" look alike
    in it; the path as it was sent tells them apart.
    """
    year, case_id = req.path_params["year"], req.path_params["id"]
    if _SLASH.search(case_id) is None:
        return year, case_id
    _, found, sent = req.scope.get("raw_path", b"").rpartition(b"/cases/")
    segments = sent.split(b"?")[0].split(b"/")
    if found and len(segments) > 1:
        return year, unquote_to_bytes(segments[1]).decode(errors="replace")
    return year, _SLASH.sub("/", case_id)
