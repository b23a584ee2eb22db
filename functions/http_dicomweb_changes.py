"""HTTP trigger: the change feed, with the paths and parameters of the Azure DICOM service."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._dialect import Dialect
from functions._dicomweb import no_such_resource
from functions._http import json_response
from functions._roots import at_every_root
from shared.errors import InvalidQueryError
from shared.flows.list_changes import ChangesRequest, list_changes
from shared.ports.archive import InstanceIndex
from shared.services.services import Services

bp = func.Blueprint()

_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_BOOLEANS: Final = {"true": True, "false": False}


@at_every_root(bp, "changes", "changefeed/{*path}", ["GET"], in_partitions=False)
async def changes(req: Request, dialect: Dialect) -> Response:
    """Answer a page of the change feed of all partitions; `latest` is its newest entry, or 204 while it is empty."""
    path = (req.path_params.get("path") or "").strip("/")
    if path not in ("", "latest"):
        raise no_such_resource()
    request = _page(req, dialect)
    services = await _wiring.services()
    if path == "latest":
        latest = await services.feed.latest()
        if latest is None:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        whole = ChangesRequest(include_metadata=request.include_metadata)
        request = replace(whole, offset=latest.sequence - 1, limit=1)
    entries = await list_changes(request, feed=services.feed, index_of=_index_of(services))
    return json_response(entries[0] if path == "latest" else entries)


def _index_of(services: Services) -> Callable[[str], Awaitable[InstanceIndex]]:
    async def index_of(partition: str) -> InstanceIndex:
        return (await services.in_partition(partition)).index

    return index_of


def _page(req: Request, dialect: Dialect) -> ChangesRequest:
    limit = _number(req, "limit", dialect.default_changes)
    if not 1 <= limit <= dialect.max_changes:
        raise InvalidQueryError(f"limit must lie between 1 and {dialect.max_changes}")
    start, end = _time(req, "startTime"), _time(req, "endTime")
    if start is not None and end is not None and start >= end:
        raise InvalidQueryError("startTime must be before endTime")
    return ChangesRequest(
        offset=_number(req, "offset", 0),
        limit=limit,
        start=start,
        end=end,
        by_sequence=dialect.pages_by_sequence,
        include_metadata=_boolean(req, "includemetadata", default=True),
    )


def _given(req: Request, name: str) -> str | None:
    """Return a parameter, whose name clients write in either case, or None."""
    return next((value for key, value in req.query_params.items() if key.lower() == name.lower()), None)


def _number(req: Request, name: str, default: int) -> int:
    text = _given(req, name)
    if text is None:
        return default
    if _NUMBER.fullmatch(text) is None:
        raise InvalidQueryError(f"{name} must be a whole number that is not negative")
    return int(text)


def _boolean(req: Request, name: str, *, default: bool) -> bool:
    text = _given(req, name)
    value = default if text is None else _BOOLEANS.get(text.lower())
    if value is None:
        raise InvalidQueryError(f"{name} must be true or false")
    return value


def _time(req: Request, name: str) -> datetime | None:
    text = _given(req, name)
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidQueryError(f"{name} must be a time such as 2024-02-29T10:15:00Z") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
