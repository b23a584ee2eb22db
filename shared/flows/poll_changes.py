"""Follow the changes of the upstream service: each instance of its feed is looked at, and the index is as that holds it."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from shared.dicom.references import InstanceRef
from shared.errors import ConcurrentChangeError, TransientError
from shared.flows._in_parallel import in_parallel
from shared.ports.cases import Checkpoints
from shared.ports.upstream import UpstreamFeed, UpstreamQueue
from shared.records import ObjectKey
from shared.telemetry.events import event
from shared.telemetry.tracing import flow
from shared.upstream_keys import upstream_key

_log = logging.getLogger(__name__)

_AT_A_TIME: Final = 8


@dataclass(frozen=True, slots=True)
class PollPorts:
    """What a poll needs; *look* brings the index up to what one object is now, and is safe to call for any."""

    feed: UpstreamFeed
    checkpoints: Checkpoints
    queue: UpstreamQueue
    look: Callable[[ObjectKey], Awaitable[None]]


@flow
async def poll_changes(ports: PollPorts, *, seconds: float) -> bool:
    """Take what has changed upstream since the last poll into the index; return whether the end was reached in time.

    What an entry says is not believed but for its instance, which is read as it is now: so entries that come twice, that
    were overtaken or whose instance has gone since do no harm. The place in the feed moves on once a page is in the index
    or, where an instance cannot be looked at now, in the queue: a process that dies does its last page again.

    Raises:
        BackendUnavailableError: The upstream service, the index or the queue does not answer. The next poll goes on.
    """
    name = f"upstream-{hashlib.sha256(ports.feed.name.encode()).hexdigest()[:32]}"
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        seen = await ports.checkpoints.get(name)
        cursor = seen.value if seen is not None else ""
        page = await ports.feed.page(cursor)
        await _look_at(page.refs, ports)
        if page.cursor != cursor:
            try:
                await ports.checkpoints.put(name, page.cursor, seen=seen)
            except ConcurrentChangeError:
                # Another poll goes on; where it stands is as good.
                return False
        if page.at_end:
            return True
        if loop.time() >= end:
            return False


async def _look_at(refs: Sequence[InstanceRef], ports: PollPorts) -> None:
    async def look(ref: InstanceRef) -> InstanceRef | None:
        try:
            await ports.look(upstream_key(ref))
        except TransientError as error:
            event(
                _log,
                "upstream not looked at",
                level=logging.WARNING,
                error=type(error).__name__,
                sop_instance_uid=ref.sop_instance_uid,
            )
            return ref
        return None

    left = await in_parallel(look, refs, limit=_AT_A_TIME)
    # One that cannot be read for good must not keep all others from being found.
    await ports.queue.look_at([ref for ref in left if ref is not None])
