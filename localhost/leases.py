"""The lease on one queue message: kept while its function runs, then given up one way or another."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceNotFoundError

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage
    from azure.storage.queue.aio import QueueClient

_log = logging.getLogger("localhost")


class Lease:
    """Renews a message's invisibility at half its time, until `end` is awaited."""

    def __init__(self, queue: QueueClient, message: QueueMessage, seconds: float) -> None:
        self._queue = queue
        self._seconds = seconds
        self._id = message.id
        self._receipt = message.pop_receipt
        self._ended = asyncio.Event()
        self._lost = False
        self._task = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        while not self._lost:
            try:
                await asyncio.wait_for(self._ended.wait(), self._seconds / 2)
            except TimeoutError:
                await self._update(self._seconds)
            else:
                return

    async def _update(self, seconds: float) -> None:
        try:
            answer = await self._queue.update_message(
                self._id, self._receipt, visibility_timeout=round(seconds)
            )
        except ResourceNotFoundError:
            self._lost = True
            _log.warning(
                "%s: lost the lease of message %s; it may run twice", self._queue.queue_name, self._id
            )
        except AzureError as error:
            _log.warning(
                "%s: cannot renew message %s: %s", self._queue.queue_name, self._id, type(error).__name__
            )
        else:
            self._receipt = answer.pop_receipt

    async def _end(self) -> None:
        # A renewal under way is awaited, never cancelled: it changes the receipt that ending needs.
        self._ended.set()
        await self._task

    async def complete(self) -> None:
        """Delete the message: its work is done."""
        await self._end()
        try:
            await self._queue.delete_message(self._id, self._receipt)
        except ResourceNotFoundError:
            _log.warning(
                "%s: message %s was taken by another before it was done", self._queue.queue_name, self._id
            )

    async def give_back(self, after: float) -> None:
        """Make the message visible again, `after` seconds from now."""
        await self._end()
        if not self._lost:
            await self._update(after)
