"""UpstreamFeed of the Azure DICOM service, in both versions of its API, and of whatever speaks like it.

Source: "Change Feed Overview" and "API versioning changes", Azure DICOM service documentation.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import orjson

from shared.backends.upstream.address import UpstreamAddress
from shared.backends.upstream.http import UpstreamHttp
from shared.backends.upstream.json_answer import read_json
from shared.dicom.references import InstanceRef
from shared.errors import BadUpstreamAnswerError, InvalidUidError
from shared.ports.upstream import FeedPage

_TIME: Final = re.compile(r"[0-9T:.Z+-]{10,40}")
_WHAT: Final = "the upstream's change feed"


class _AzureFeed:
    def __init__(self, http: UpstreamHttp, address: UpstreamAddress, limit: int) -> None:
        self._http = http
        self._address = address
        self._limit = limit
        self.name = f"azure-{address.version}-{address.dicomweb}"

    async def _read(self, **parameters: object) -> list[dict[str, Any]]:
        query = (
            ("limit", str(self._limit)),
            ("includemetadata", "false"),
            *((name, str(value)) for name, value in parameters.items()),
        )
        return _entries(await self._get(("changefeed",), query))

    async def _latest(self) -> dict[str, Any] | None:
        """Return the newest entry; None where there is none."""
        found = await self._get(("changefeed", "latest"), (("includemetadata", "false"),))
        [latest] = _entries([found]) if found is not None else [None]
        return latest

    async def _get(self, path: tuple[str, ...], query: tuple[tuple[str, str], ...]) -> Any:
        url = self._address.url(path, query)
        return await read_json(await self._http.send("GET", url, {"Accept": "application/json"}), _WHAT)


class AzureFeedV1(_AzureFeed):
    """The feed of v1: a page is a span of sequences, so an empty one is not the last.

    Args:
        http: The service.
        address: Where it answers.
        limit: Sequences in a page.
    """

    def __init__(self, http: UpstreamHttp, address: UpstreamAddress, limit: int = 100) -> None:
        super().__init__(http, address, limit)

    async def page(self, cursor: str) -> FeedPage:
        """Return what follows *cursor*, a sequence; see UpstreamFeed."""
        after = _number(cursor)
        entries = await self._read(offset=after)
        if entries:
            last = max(_sequence(entry) for entry in entries)
            return FeedPage(_refs(entries), str(max(last, after)), at_end=False)
        latest = await self._latest()
        newest = 0 if latest is None else _sequence(latest)
        if newest < after:
            # It was made anew: whatever it says now was never seen.
            return FeedPage((), "0", at_end=newest == 0)
        if newest > after + self._limit:
            return FeedPage((), str(after + self._limit), at_end=False)
        # Between the two requests entries may have come into the span, so that is asked for again.
        return FeedPage((), cursor, at_end=True)


class AzureFeedV2(_AzureFeed):
    """The feed of v2: a page is a number of entries since a time, and a short one is the last.

    Args:
        http: The service.
        address: Where it answers.
        limit: Entries in a page.
    """

    def __init__(self, http: UpstreamHttp, address: UpstreamAddress, limit: int = 200) -> None:
        super().__init__(http, address, limit)

    async def page(self, cursor: str) -> FeedPage:
        """Return what follows *cursor*: a time, and how many entries of it were seen; see UpstreamFeed.

        Entries of one time may fall into several pages, and further ones of it may come.
        """
        time, seen, sequence = _since(cursor)
        entries = await self._read(offset=seen, **({"startTime": time} if time else {}))
        if not entries:
            latest = await self._latest() if time else None
            if time and (latest is None or _sequence(latest) < sequence):
                return FeedPage((), "", at_end=latest is None)
            return FeedPage((), cursor, at_end=True)
        last = _timestamp(entries[-1])
        of_last = sum(_timestamp(entry) == last for entry in entries)
        count = of_last + (seen if last == time else 0)
        moved = orjson.dumps([last, count, max(_sequence(entry) for entry in entries)]).decode()
        return FeedPage(_refs(entries), moved, at_end=len(entries) < self._limit)


def _entries(found: Any) -> list[dict[str, Any]]:
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise BadUpstreamAnswerError(f"{_WHAT} is no list of entries; check DICOM_UPSTREAM_URL and _VERSION")
    return found


def _refs(entries: Sequence[dict[str, Any]]) -> tuple[InstanceRef, ...]:
    """Return the instances that entries are about, each once; what became of each is looked up, not believed."""
    refs: dict[InstanceRef, None] = {}
    for entry in entries:
        uids = (entry.get(name) for name in ("StudyInstanceUid", "SeriesInstanceUid", "SopInstanceUid"))
        try:
            refs[InstanceRef(*map(str, uids))] = None
        except InvalidUidError:
            raise BadUpstreamAnswerError(f"an entry of {_WHAT} names no instance") from None
    return tuple(refs)


def _sequence(entry: dict[str, Any]) -> int:
    sequence = entry.get("Sequence")
    if not isinstance(sequence, int) or isinstance(sequence, bool) or not 0 <= sequence < 2**63:
        raise BadUpstreamAnswerError(f"an entry of {_WHAT} has no sequence")
    return sequence


def _timestamp(entry: dict[str, Any]) -> str:
    time = entry.get("Timestamp")
    if not isinstance(time, str) or _TIME.fullmatch(time) is None:
        raise BadUpstreamAnswerError(f"an entry of {_WHAT} has no time")
    return time


def _number(cursor: str) -> int:
    return int(cursor) if cursor.isascii() and cursor.isdigit() else 0


def _since(cursor: str) -> tuple[str, int, int]:
    if not cursor:
        return "", 0, 0
    time, seen, sequence = orjson.loads(cursor)
    return str(time), int(seen), int(sequence)
