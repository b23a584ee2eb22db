"""Reconcile what is stored with what is known of it, a slice at a time, and keep a report of what differed.

Objects are the truth. Of each data partition the watched containers and its part of the archive are listed beside the
ledger; then what is derived is compared with the ledger: rejections, index, cases, searches, the search index. What
differs is put right by the flows that events call, so it may run at any time beside them, and as often as one likes. A process that dies
loses its last batch only: what that has repaired is found in order when it is looked at again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from shared.dicom.partition_names import validate_partition_name
from shared.errors import InvalidRequestError, ObjectNotFoundError
from shared.flows._reindex_documents import Unindexed, Unsearched
from shared.flows._reindex_objects import Objects
from shared.flows._reindex_ports import PartitionPorts
from shared.flows._reindex_rows import Cases, Claims, Rejections
from shared.flows._reindex_searches import Found, Gone
from shared.flows._reindex_state import CHECKPOINT, LAST_REPORT, Kind, Reindexing, pack, unpack
from shared.ports.archive import ObjectStore, Partitions
from shared.ports.cases import Checkpoints
from shared.records import Checkpoint
from shared.telemetry import metrics
from shared.telemetry.tracing import flow

__all__ = ["PartitionPorts", "ReindexPorts", "Reindexing", "reindex"]

_AFTER_SLASH: Final = "0"
"""The character after `/`: names that begin with a partition and `/` sort before its name and this."""


_END: Final = "end"


@dataclass(frozen=True, slots=True)
class ReindexPorts:
    """What reconciling needs; *of* gives the ports of a data partition, *default* is the one of watched containers."""

    objects: ObjectStore
    checkpoints: Checkpoints
    partitions: Partitions
    archive_container: str
    default: str
    of: Callable[[str], Awaitable[PartitionPorts]]


class _Step(Protocol):
    def batches(self, after: str) -> AsyncIterator[str]:
        """Work on what follows *after*; yield the place after each batch."""
        ...


@flow
async def reindex(
    ports: ReindexPorts,
    *,
    seconds: float,
    restart: bool = False,
    force: bool = False,
    unless_begun_within: timedelta | None = None,
) -> Reindexing:
    """Go on with the pass that was begun, or begin one, for about *seconds*; return how far it has come.

    Args:
        ports: Where to look.
        seconds: When to stop, at the end of a batch.
        restart: Whether to begin anew in any case.
        force: Whether a pass that is begun now indexes settled objects again, and those that may be in flight.
        unless_begun_within: Begin no pass if the last one that came to its end began so shortly ago.

    Raises:
        ConcurrentChangeError: Another call goes on with the same pass.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    seen = await ports.checkpoints.get(CHECKPOINT)
    if seen is not None and not restart:
        state = unpack(seen.value)
    else:
        last = None if unless_begun_within is None else await _last(ports)
        if last is not None and last.started_at > datetime.now(UTC) - (unless_begun_within or timedelta()):
            return last
        state = Reindexing(datetime.now(UTC), force)
    seen = await ports.checkpoints.put(CHECKPOINT, pack(state), seen=seen)
    async for _ in _places(state, ports):
        seen = await ports.checkpoints.put(CHECKPOINT, pack(state), seen=seen)
        if loop.time() >= end:
            return state
    state.done = True
    state.partition = state.step = state.after = ""
    await ports.checkpoints.put(LAST_REPORT, pack(state), seen=await ports.checkpoints.get(LAST_REPORT))
    await ports.checkpoints.remove(CHECKPOINT)
    for kind in Kind:
        metrics.drift(kind, state.drift.get(kind, 0))
    return state


async def _last(ports: ReindexPorts) -> Reindexing | None:
    checkpoint: Checkpoint | None = await ports.checkpoints.get(LAST_REPORT)
    return None if checkpoint is None else unpack(checkpoint.value)


async def _places(state: Reindexing, ports: ReindexPorts) -> AsyncIterator[None]:
    """Do the rest of a pass; yield after each batch, when *state* says so."""
    for partition in await _partitions(ports):
        if partition < state.partition:
            continue
        if partition != state.partition:
            state.partition, state.step, state.after = partition, "", ""
        bound = await ports.of(partition)
        steps = _steps(bound, state)
        names = [*steps, _END]
        if state.step not in names:
            state.step, state.after = names[0], ""
        while state.step != _END:
            try:
                async for after in steps[state.step].batches(state.after):
                    state.after = after
                    yield
            except ObjectNotFoundError:
                # It is no empty one: nothing of it is taken for vanished.
                state.missing.append(state.step)
            state.step, state.after = names[names.index(state.step) + 1], ""
            yield


def _steps(ports: PartitionPorts, state: Reindexing) -> dict[str, _Step]:
    """Return what is to be done, by name, in order: what is derived comes after what it is derived of."""
    containers = dict.fromkeys([*ports.watched, ports.archive])
    return {
        **{f"objects of {name}": Objects(name, ports, state) for name in containers},
        **{f"rejections of {name}": Rejections(name, ports, state) for name in containers},
        "claims": Claims(ports, state),
        "cases": Cases(ports, state),
        "found": Found(ports, state),
        "gone": Gone(ports, state),
        **(
            {
                "unsearched": Unsearched(ports, searching, state),
                "documents": Unindexed(ports, searching, state),
            }
            if (searching := ports.searching) is not None
            else {}
        ),
    }


async def _partitions(ports: ReindexPorts) -> list[str]:
    """Return every data partition; those that only the archive's objects tell of are made known."""
    known = {ports.default, *(partition.name for partition in await ports.partitions.all())}
    after = ""
    try:
        while info := await anext(ports.objects.scan(ports.archive_container, after=after), None):
            name, _, rest = info.key.name.partition("/")
            if rest and name not in known and _is_partition(name):
                await ports.partitions.add(name)
                known.add(name)
            after = f"{name}{_AFTER_SLASH}" if rest else info.key.name
    except ObjectNotFoundError:
        pass
    return sorted(known)


def _is_partition(name: str) -> bool:
    try:
        validate_partition_name(name)
    except InvalidRequestError:
        return False
    return True
