"""Find out what has changed in a container of a store that tells nobody, by listing it beside the ledger."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from shared.errors import AppError, ConcurrentChangeError
from shared.flows._beside_ledger import beside_ledger
from shared.flows._in_parallel import in_parallel
from shared.ports.archive import ObjectLedger, ObjectStore
from shared.ports.cases import Checkpoints
from shared.records import ObjectKey
from shared.telemetry.events import event
from shared.telemetry.tracing import flow

_log = logging.getLogger(__name__)

_BATCH: Final = 64
"""Objects looked at between two looks at the clock."""
_AT_A_TIME: Final = 8


@dataclass(frozen=True, slots=True)
class ScanPorts:
    """What a scan needs; *look* brings the index up to what one object is now, and is safe to call for any."""

    objects: ObjectStore
    ledger: ObjectLedger
    checkpoints: Checkpoints
    look: Callable[[ObjectKey], Awaitable[None]]


@flow
async def scan_bucket(container: str, ports: ScanPorts, *, seconds: float) -> bool:
    """Look at every object of *container* that is not as the ledger says; return whether the end was reached.

    New, replaced and vanished objects are found, and those whose handling was cut off. After *seconds* it stops and
    the next scan goes on from there; a process that dies loses its own part of the way only. One object that cannot be
    looked at now is left to the next scan and keeps no other waiting.

    Raises:
        ObjectNotFoundError: There is no such container.
    """
    name = f"scan-{container}"
    seen = await ports.checkpoints.get(name)
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    batch: list[ObjectKey] = []
    after = "" if seen is None else seen.value
    async for met in beside_ledger(container, after, ports.objects, ports.ledger):
        if not met.is_settled:
            batch.append(met.key)
        if len(batch) == _BATCH:
            await _look_at(batch, ports)
            batch = []
        # What is settled takes time as well: a listing has no end that one could wait for.
        if not batch and loop.time() >= end:
            try:
                await ports.checkpoints.put(name, met.key.name, seen=seen)
            except ConcurrentChangeError:
                # Another scan goes on; where it stops is as good.
                return False
            return False
    await _look_at(batch, ports)
    await ports.checkpoints.remove(name)
    return True


async def _look_at(keys: list[ObjectKey], ports: ScanPorts) -> None:
    async def look(key: ObjectKey) -> None:
        try:
            await ports.look(key)
        except AppError as error:
            event(
                _log,
                "object not looked at",
                level=logging.WARNING,
                container=key.container,
                error=type(error).__name__,
            )

    await in_parallel(look, keys, limit=_AT_A_TIME)
