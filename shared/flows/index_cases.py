"""Index the clinical cases of whole containers: one listing of each, as far as time goes, to be gone on with later."""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from shared.errors import ConcurrentChangeError, InstanceNotFoundError, TransientError
from shared.flows._beside_ledger import Met, beside_ledger
from shared.flows._case_attributes import read_case_attributes
from shared.flows._case_name import read_case_name
from shared.flows._in_parallel import in_parallel
from shared.flows.index_instance import IndexPorts, index_instance
from shared.ports.cases import Checkpoints
from shared.records import CaseImage, CaseView, Checkpoint, LedgerEntry, ObjectKey, ObjectState
from shared.telemetry.tracing import flow

CHECKPOINT: Final = "case-index"
_BATCH: Final = 500
"""Names between two looks at the clock; all that is held at a time."""
_CONCURRENT: Final = 16


@dataclass(slots=True)
class CaseCounts:
    """What one pass has met so far.

    Attributes:
        names: Objects listed; each is one of the four that follow.
        indexed: Those whose name says their case.
        by_attributes: Those whose attributes do.
        unmatched: Those of no case.
        rejected: Those that are no readable instance.
        duplicates: Of the first two, those whose view another object of the case shows that comes before.
        read: Objects that nobody had looked at as they are now.
        gone: Objects that the archive knew and that are there no more.
        unsettled: Objects that could not be looked at now, for they kept changing.
    """

    names: int = 0
    indexed: int = 0
    by_attributes: int = 0
    unmatched: int = 0
    rejected: int = 0
    duplicates: int = 0
    read: int = 0
    gone: int = 0
    unsettled: int = 0


@dataclass(slots=True)
class CaseIndexing:
    """How far a pass by *rules* has come: all names of *container* up to *after*, and all of the containers before it."""

    done: bool = False
    rules: str = ""
    container: str = ""
    after: str = ""
    counts: CaseCounts = field(default_factory=CaseCounts)


@dataclass(frozen=True, slots=True)
class CaseIndexingPorts:
    """What indexing cases needs."""

    indexing: IndexPorts
    checkpoints: Checkpoints
    containers: tuple[str, ...]
    """Those that are watched."""


@flow
async def index_cases(ports: CaseIndexingPorts, *, seconds: float, restart: bool = False) -> CaseIndexing:
    """Go on with the pass that was begun, or begin one, for about *seconds*; return how far it has come.

    The listing is merged with the ledger. What the ledger knows as it lies is put under its case without being read;
    what it does not know is looked at, as if an event had come, and so is what has gone. A pass that is over is
    forgotten: the next call begins anew. So does a call under other patterns or containers than the pass was begun with,
    for what it has done already would stay as the old ones had it.

    Args:
        ports: Where to look.
        seconds: When to stop, at the end of a batch.
        restart: Whether to begin anew in any case.

    Raises:
        ConcurrentChangeError: Another call goes on with the same pass.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    seen = await ports.checkpoints.get(CHECKPOINT)
    rules = _rules(ports)
    state = CaseIndexing(rules=rules) if seen is None or restart else _read(seen, rules)
    run = _Pass(ports, state)
    for container in sorted(ports.containers):
        if container < state.container:
            continue
        if container != state.container:
            state.container, state.after = container, ""
        async for _ in run.batches():
            seen = await ports.checkpoints.put(CHECKPOINT, _written(state), seen=seen)
            if loop.time() >= end:
                return state
    await ports.checkpoints.remove(CHECKPOINT)
    state.done = True
    return state


class _Pass:
    """One pass on its way."""

    def __init__(self, ports: CaseIndexingPorts, state: CaseIndexing) -> None:
        self._ports = ports.indexing
        self._state = state
        self._counts = state.counts

    async def batches(self) -> AsyncIterator[None]:
        """Work through the rest of the container, a batch at a time."""
        batch: list[Met] = []
        state, ports = self._state, self._ports
        async for met in beside_ledger(state.container, state.after, ports.objects, ports.ledger):
            batch.append(met)
            if len(batch) >= _BATCH:
                await self._take(batch)
                yield
                batch = []
        if batch:
            await self._take(batch)
            yield

    async def _take(self, batch: list[Met]) -> None:
        entries = await in_parallel(self._settled, batch, limit=_CONCURRENT)
        found = [entry for entry in entries if entry is not None]
        placed = await in_parallel(self._placed, found, limit=_CONCURRENT)
        images = sorted(
            (image for image in placed if image is not None),
            key=lambda image: (image.year, image.case_id, image.key),
        )
        cases = [list(group) for _, group in itertools.groupby(images, lambda one: (one.year, one.case_id))]
        for duplicates in await in_parallel(self._ports.cases.put, cases, limit=_CONCURRENT):
            self._counts.duplicates += sum(duplicates)
        self._state.after = batch[-1].key.name

    async def _settled(self, met: Met) -> LedgerEntry | None:
        """Return what the ledger says of an object as it is now; None if there is none, or it is not to be had."""
        if met.info is None:
            if await self._look(met.key):
                self._counts.gone += 1
            return None
        self._counts.names += 1
        if met.is_settled:
            return met.entry
        self._counts.read += 1
        if not await self._look(met.key):
            return None
        entry = await self._ports.ledger.get(met.key)
        if entry is None:  # gone in the meantime
            self._counts.names -= 1
        return entry

    async def _look(self, key: ObjectKey) -> bool:
        try:
            await index_instance(key, self._ports)
        except TransientError:
            self._counts.unsettled += 1
            return False
        return True

    async def _placed(self, entry: LedgerEntry) -> CaseImage | None:
        """Count an object, and return what is to be put of it; its case may be another by now, if patterns changed."""
        if entry.state is ObjectState.REJECTED:
            self._counts.rejected += 1
            return None
        if entry.ref is None:
            self._counts.unmatched += 1
            return None
        case = read_case_name(entry.key.name, self._ports.case_patterns)
        if case is None and entry.case is not None:
            case = entry.case if not entry.case.named else await self._of_attributes(entry)
        if case != entry.case:
            await self._move(entry, case)
        if case is None:
            self._counts.unmatched += 1
            return None
        if case.named:
            self._counts.indexed += 1
        else:
            self._counts.by_attributes += 1
        return CaseImage(case.year, case.case_id, case.view, entry.key, entry.ref)

    async def _of_attributes(self, entry: LedgerEntry) -> CaseView | None:
        if entry.ref is None:
            return None
        try:
            return read_case_attributes((await self._ports.index.get(entry.ref)).metadata)
        except InstanceNotFoundError:
            return None

    async def _move(self, entry: LedgerEntry, case: CaseView | None) -> None:
        if (old := entry.case) is not None:
            await self._ports.cases.remove(old.year, old.case_id, old.view, entry.key)
        try:
            await self._ports.ledger.advance(replace(entry, case=case), seen=entry)
        except ConcurrentChangeError:  # whoever changed it has put it under its case
            self._counts.unsettled += 1


def _rules(ports: CaseIndexingPorts) -> str:
    """Return a fingerprint of what must not change while a pass is on its way."""
    patterns = ports.indexing.case_patterns
    rules = [patterns.year, patterns.case_id, patterns.view, *sorted(ports.containers)]
    return hashlib.sha256("\0".join(rules).encode()).hexdigest()


def _read(checkpoint: Checkpoint, rules: str) -> CaseIndexing:
    import orjson

    said: dict[str, Any] = orjson.loads(checkpoint.value)
    if said.get("rules") != rules:
        return CaseIndexing(rules=rules)
    return CaseIndexing(False, rules, said["container"], said["after"], CaseCounts(**said["counts"]))


def _written(state: CaseIndexing) -> str:
    import orjson

    return orjson.dumps(asdict(state)).decode()
