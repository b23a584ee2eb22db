"""Remembers which searches match more than may be counted, so that it is not found out anew for every page.

It never says how many match: who is told to leave a total out is right to, whatever has changed meanwhile.
"""

import time
from dataclasses import replace

from shared.dicom.query import Query

_SECONDS = 60.0
_MOST = 256


class Uncounted:
    """Searches by what they match; each is forgotten after a minute, and the oldest of very many at once."""

    def __init__(self) -> None:
        self._found: dict[Query, tuple[int, float]] = {}

    def note(self, query: Query) -> None:
        """Remember that what matches beyond the end of this page is too much to count."""
        what = _what_matches(query)
        self._found.pop(what, None)
        self._found[what] = (query.offset + query.limit, time.monotonic())
        if len(self._found) > _MOST:
            del self._found[next(iter(self._found))]

    def has(self, query: Query) -> bool:
        """Tell whether it was so of a page that ends no earlier, a moment ago."""
        end, at = self._found.get(_what_matches(query), (0, 0.0))
        return query.offset + query.limit <= end and time.monotonic() - at < _SECONDS


def _what_matches(query: Query) -> Query:
    return replace(query, limit=0, offset=0, includefields=(), include_all=False, after=None, warnings=())
