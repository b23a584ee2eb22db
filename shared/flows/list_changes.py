"""List the changes of the archive in their order, as clients of the Azure DICOM service know it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared.errors import InstanceNotFoundError
from shared.flows._in_parallel import in_parallel
from shared.ports.archive import ChangeFeed, InstanceIndex
from shared.records import Change, InstanceRecord
from shared.telemetry.tracing import flow

_CONCURRENT: Final = 16


@dataclass(frozen=True, slots=True)
class ChangesRequest:
    """Which page of the feed is asked for.

    Attributes:
        offset: Entries to skip; with *by_sequence* the sequence after which the page begins, whatever its time.
        limit: Most entries; with *by_sequence* the page ends at the sequence *offset* + *limit*.
        start: Entries before it are left out.
        end: Entries at it or later are left out.
        by_sequence: Whether the page is a span of sequences, and may so have no entry without being the last.
        include_metadata: Whether entries carry metadata.
    """

    offset: int = 0
    limit: int = 100
    start: datetime | None = None
    end: datetime | None = None
    by_sequence: bool = False
    include_metadata: bool = True


@flow
async def list_changes(
    request: ChangesRequest, *, feed: ChangeFeed, index_of: Callable[[str], Awaitable[InstanceIndex]]
) -> list[dict[str, Any]]:
    """Return the page of the feed that *request* asks for.

    An entry's State is "current" while what it made is what is served, "replaced" when something else is, "deleted"
    when nothing is. Metadata is that of the instance as it is now, whatever the entry made of it.

    Args:
        request: What is asked for.
        feed: The changes; their sequences have no gaps and their times never go back.
        index_of: Gives the index of a data partition: what is served now.
    """
    after = await _last_before(request.start, feed) if request.start else 0
    until = await _last_before(request.end, feed) if request.end else None
    first, last = request.offset, request.offset + request.limit
    if not request.by_sequence:
        first, last = first + after, last + after
    first = max(first, after)
    last = last if until is None else min(last, until)

    async def entry_of(change: Change) -> dict[str, Any]:
        serving = await _serving(change, await index_of(change.partition))
        return _entry(change, serving, include_metadata=request.include_metadata)

    changes = await feed.changes(first, last - first) if last > first else []
    return await in_parallel(entry_of, changes, limit=_CONCURRENT)


async def _last_before(time: datetime, feed: ChangeFeed) -> int:
    """Return the sequence of the last entry before *time*, or 0; it is looked for by halves."""
    latest = await feed.latest()
    low, high = 0, latest.sequence if latest else 0
    while low < high:
        middle = (low + high + 1) // 2
        [change] = await feed.changes(middle - 1, 1)
        if change.changed_at < time:
            low = middle
        else:
            high = middle - 1
    return low


async def _serving(change: Change, index: InstanceIndex) -> InstanceRecord | None:
    try:
        return await index.get(change.ref)
    except InstanceNotFoundError:
        return None


def _entry(change: Change, serving: InstanceRecord | None, *, include_metadata: bool) -> dict[str, Any]:
    import orjson

    entry: dict[str, Any] = {
        "Sequence": change.sequence,
        "PartitionName": change.partition,
        "StudyInstanceUid": change.ref.study_instance_uid,
        "SeriesInstanceUid": change.ref.series_instance_uid,
        "SopInstanceUid": change.ref.sop_instance_uid,
        "Action": change.action.value,
        "Timestamp": _timestamp(change.changed_at),
        "State": "deleted"
        if serving is None
        else "current"
        if serving.version == change.version
        else "replaced",
    }
    if include_metadata and serving is not None:
        entry["Metadata"] = orjson.Fragment(serving.metadata)
    return entry


def _timestamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
