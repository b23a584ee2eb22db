"""Blobs whose function failed: further tries through a storage queue, then a poison queue, as in Azure."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localhost.queue_listener import QueueListener

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage
    from azure.storage.queue.aio import QueueClient

    from localhost.blob_function import BlobFunction
    from localhost.blob_listing import FoundBlob
    from localhost.settings import QueueOptions

_log = logging.getLogger("localhost")
POISON_QUEUE = "webjobs-blobtrigger-poison"


class BlobRetries:
    """The queue `azure-webjobs-blobtrigger-<host id>`: a message per blob that failed."""

    def __init__(
        self, queue: QueueClient, poison: QueueClient, options: QueueOptions, threshold: int
    ) -> None:
        self._queue = queue
        self._poison = poison
        self._threshold = threshold
        self._functions: dict[str, BlobFunction] = {}
        # The scan's own try was the first.
        tries_left = max(threshold - 1, 1)
        retry_options = replace(options, max_dequeue_count=tries_left, base64=True)
        self._listener = QueueListener(queue, poison, retry_options, self._handle)

    def register(self, function: BlobFunction) -> None:
        """Let messages name this function."""
        self._functions[function.name] = function

    async def start(self) -> None:
        """Create the queue if missing and begin to poll.

        Raises:
            StartError: Storage refuses or cannot be reached.
        """
        await self._listener.start()

    async def stop(self, grace: float) -> None:
        """Take no new messages; give back what is not done within `grace` seconds."""
        await self._listener.stop(grace)

    async def add(self, function_name: str, container: str, blob: FoundBlob) -> None:
        """Ask for another try, or poison the blob at once when one try is all it gets.

        Raises:
            AzureError: Storage refuses or cannot be reached.
        """
        content = {
            "Type": "BlobTrigger",
            "FunctionId": f"Host.Functions.{function_name}",
            "BlobType": "BlockBlob",
            "ContainerName": container,
            "BlobName": blob.name,
            "ETag": f'"{blob.etag}"',
        }
        text = base64.b64encode(json.dumps(content).encode()).decode("ascii")
        if self._threshold > 1:
            await self._queue.send_message(text)
            self._listener.wake()
            return
        # Creating what exists already is no error.
        await self._poison.create_queue()
        await self._poison.send_message(text)

    async def _handle(self, _message: QueueMessage, content: bytes) -> bool:
        try:
            asked: dict[str, Any] = json.loads(content)
            function = self._functions[asked["FunctionId"].removeprefix("Host.Functions.")]
            name, etag = str(asked["BlobName"]), str(asked["ETag"]).strip('"')
        except (ValueError, KeyError, TypeError, AttributeError):
            _log.error("a blob trigger message names no function of this app; it goes to %s", POISON_QUEUE)
            return False
        blob = await function.look(name)
        # A newer version is the scan's to find.
        return blob is None or blob.etag != etag or await function.run(blob)
