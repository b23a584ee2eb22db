"""Timer triggers: one loop per function, never overlapping itself; its status outlives the process."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceNotFoundError

from localhost.protos import TypedData

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobClient

    from localhost.bindings import Function
    from localhost.cron import Schedule
    from localhost.invoker import Invoker

_log = logging.getLogger("localhost")
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


class TimerTrigger:
    """Runs a function by its schedule; `status` None means that nothing is remembered over a restart."""

    def __init__(
        self, function: Function, schedule: Schedule, status: BlobClient | None, invoker: Invoker
    ) -> None:
        self._function = function
        self._schedule = schedule
        self._status_blob = status
        self._invoker = invoker
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._last = _NEVER
        self._next = _NEVER

    async def start(self) -> None:
        """Begin to wait for the first occurrence."""
        self._task = asyncio.create_task(self._run())

    async def stop(self, grace: float) -> None:
        """Fire no more and wait `grace` seconds for a run in flight, which is past due at the next start if cut."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=grace)
            self._task.cancel()
            await asyncio.wait([self._task], timeout=0.5)

    async def _run(self) -> None:
        now = datetime.now(UTC)
        remembered = await self._read()
        self._next = remembered or self._schedule.next_after(now)
        if remembered is not None and remembered < now:
            await self._fire(past_due=True)
        elif self._function.trigger.get("runOnStartup"):
            await self._fire(past_due=False)
        elif remembered is None:
            await self._write()
        while not await self._stopped_before(self._next):
            await self._fire(past_due=False)

    async def _stopped_before(self, moment: datetime) -> bool:
        while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
            try:
                # In pieces, so that a clock that is set, or a laptop that slept, is noticed.
                await asyncio.wait_for(self._stopping.wait(), min(left, 30.0))
            except TimeoutError:
                continue
            return True
        return self._stopping.is_set()

    async def _fire(self, *, past_due: bool) -> None:
        status = self._status()
        content = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": past_due}
        fired = datetime.now(UTC)
        await self._invoker.run(self._function, TypedData(json=json.dumps(content)), {})
        self._last = fired
        self._next = self._schedule.next_after(datetime.now(UTC))
        await self._write()

    def _status(self) -> dict[str, str]:
        updated = datetime.now(UTC).isoformat()
        return {"Last": self._last.isoformat(), "Next": self._next.isoformat(), "LastUpdated": updated}

    async def _read(self) -> datetime | None:
        if self._status_blob is None:
            return None
        try:
            content: Any = json.loads(await (await self._status_blob.download_blob()).readall())
            self._last = datetime.fromisoformat(content["Last"])
            return datetime.fromisoformat(content["Next"])
        except ResourceNotFoundError:
            return None
        except (AzureError, ValueError, KeyError, TypeError) as error:
            _log.warning("%s: timer status cannot be read: %s", self._function.name, type(error).__name__)
            return None

    async def _write(self) -> None:
        if self._status_blob is None:
            return
        try:
            await self._status_blob.upload_blob(json.dumps(self._status()).encode(), overwrite=True)
        except AzureError as error:
            _log.warning("%s: timer status cannot be written: %s", self._function.name, type(error).__name__)
