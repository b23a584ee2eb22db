"""Polls one queue and hands its messages on, a bounded number at a time; what a message means is the handler's."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceNotFoundError

from localhost.leases import Lease
from localhost.storage import ensure_queue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from azure.storage.queue import QueueMessage
    from azure.storage.queue.aio import QueueClient

    from localhost.settings import QueueOptions

_log = logging.getLogger("localhost")
_FIRST_POLL = 0.1


class QueueListener:
    """Calls `handle(message, content)` for each message: True deletes it, False makes it visible again."""

    def __init__(
        self,
        queue: QueueClient,
        poison: QueueClient,
        options: QueueOptions,
        handle: Callable[[QueueMessage, bytes], Awaitable[bool]],
    ) -> None:
        self._queue = queue
        self._poison = poison
        self._options = options
        self._handle = handle
        self._stopping = False
        self._wake = asyncio.Event()
        self._slot_free = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Create the queue if it is missing and begin to poll.

        Raises:
            StartError: Storage refuses or cannot be reached.
        """
        await ensure_queue(self._queue)
        self._loop = asyncio.create_task(self._poll())

    def wake(self) -> None:
        """Poll at once: something was just written to this queue."""
        self._wake.set()

    async def stop(self, grace: float) -> None:
        """Take no new messages, wait `grace` seconds for those in flight, give the others back."""
        self._stopping = True
        self._wake.set()
        self._slot_free.set()
        if self._loop is not None:
            await asyncio.wait([self._loop], timeout=1.0)
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=1.5)

    async def _poll(self) -> None:
        pause = _FIRST_POLL
        while not self._stopping:
            await self._await_slots()
            messages = await self._receive()
            for message in messages:
                task = asyncio.create_task(self._process(message))
                self._running.add(task)
                task.add_done_callback(self._on_done)
            if messages:
                pause = _FIRST_POLL
                continue
            await self._sleep(pause)
            pause = min(pause * 2, self._options.max_polling_interval)

    async def _await_slots(self) -> None:
        while len(self._running) > self._options.new_batch_threshold and not self._stopping:
            self._slot_free.clear()
            await self._slot_free.wait()

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._slot_free.set()

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return
        self._wake.clear()

    async def _receive(self) -> list[QueueMessage]:
        if self._stopping:
            return []
        size = self._options.batch_size
        try:
            pages = self._queue.receive_messages(
                messages_per_page=size, max_messages=size, visibility_timeout=round(self._options.lease)
            )
            return [message async for message in pages]
        except ResourceNotFoundError:
            _log.warning("queue %s is gone; creating it again", self._queue.queue_name)
            await self._recreate()
        except AzureError as error:
            _log.warning("queue %s cannot be polled: %s", self._queue.queue_name, type(error).__name__)
        return []

    async def _recreate(self) -> None:
        try:
            await self._queue.create_queue()
        except AzureError as error:
            _log.warning("queue %s cannot be created: %s", self._queue.queue_name, type(error).__name__)

    async def _process(self, message: QueueMessage) -> None:
        lease = Lease(self._queue, message, self._options.lease)
        try:
            await self._decide(message, lease)
        except asyncio.CancelledError:
            _log.info("%s: message %s given back by the stop", self._queue.queue_name, message.id)
            await lease.give_back(0)
        except AzureError as error:
            _log.error("%s: message %s: %s", self._queue.queue_name, message.id, type(error).__name__)
            await lease.give_back(self._options.visibility_timeout)

    async def _decide(self, message: QueueMessage, lease: Lease) -> None:
        if self._stopping:
            await lease.give_back(0)
            return
        content = self._decode(message)
        count, limit = message.dequeue_count or 1, self._options.max_dequeue_count
        # More than the limit happens when the process died with the message: it is not tried for ever.
        if content is None or count > limit:
            await self._bury(message, lease, count)
        elif await self._handle(message, content):
            await lease.complete()
        elif count >= limit:
            await self._bury(message, lease, count)
        else:
            await lease.give_back(self._options.visibility_timeout)

    def _decode(self, message: QueueMessage) -> bytes | None:
        if not self._options.base64:
            return str(message.content).encode()
        try:
            return base64.b64decode(message.content, validate=True)
        except (binascii.Error, ValueError):
            return None

    async def _bury(self, message: QueueMessage, lease: Lease, count: int) -> None:
        try:
            await self._poison.send_message(message.content)
        except ResourceNotFoundError:
            await self._poison.create_queue()
            await self._poison.send_message(message.content)
        _log.warning(
            "%s: message %s moved to %s after %d tries",
            self._queue.queue_name,
            message.id,
            self._poison.queue_name,
            count,
        )
        await lease.complete()
