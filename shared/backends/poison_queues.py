"""PoisonQueues on Azure Storage queues, named as the host names them. Makes no queue."""

import base64
import binascii
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueServiceClient

from shared.errors import BackendUnavailableError
from shared.ports.poison import PoisonMessage

SUFFIX: Final = "-poison"
_HIDDEN_SECONDS: Final = 120
_ANOTHERS: Final = frozenset({"MessageNotFound", "PopReceiptMismatch"})
"""Codes of a message that is gone or was taken since. Source: "Queue Service error codes", Azure Storage REST reference."""


class StoragePoisonQueues:
    """A PoisonQueues.

    Args:
        service: The account's queues, by a client made in the running loop with azure_options.request_options.
    """

    def __init__(self, service: QueueServiceClient) -> None:
        self._service = service

    async def take(self, queue: str, limit: int) -> Sequence[PoisonMessage]:
        """Take messages given up of *queue*; what is not base64 is given as it is.

        Raises:
            BackendUnavailableError: The queue did not answer.
        """
        client = self._service.get_queue_client(queue + SUFFIX)
        with _translated(queue + SUFFIX):
            try:
                found = client.receive_messages(
                    visibility_timeout=_HIDDEN_SECONDS, max_messages=limit, messages_per_page=min(limit, 32)
                )
                return [_taken(queue, message) async for message in found]
            except ResourceNotFoundError:
                return []

    async def remove(self, message: PoisonMessage) -> None:
        """Remove a message; that it is gone, or somebody else's by now, is no error.

        Raises:
            BackendUnavailableError: The queue did not answer.
        """
        client = self._service.get_queue_client(message.queue + SUFFIX)
        with _translated(message.queue + SUFFIX):
            try:
                await client.delete_message(message.message_id, message.receipt)
            except HttpResponseError as error:
                if getattr(error, "error_code", "") not in _ANOTHERS:
                    raise

    async def send_back(self, queue: str, content: bytes) -> None:
        """Send a message to *queue* in base64, as the host's trigger reads it.

        Raises:
            BackendUnavailableError: The queue did not take it.
        """
        with _translated(queue):
            await self._service.get_queue_client(queue).send_message(base64.b64encode(content).decode())


def _taken(queue: str, message: QueueMessage) -> PoisonMessage:
    return PoisonMessage(
        queue=queue,
        message_id=message.id,
        receipt=message.pop_receipt or "",
        content=_decoded(message.content),
        inserted_at=message.inserted_on or datetime.now(UTC),
        taken=int(message.dequeue_count or 1),
    )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return text.encode()


@contextmanager
def _translated(queue: str) -> Iterator[None]:
    try:
        yield
    except ResourceNotFoundError:
        raise
    except AzureError as error:
        # Not chained: the SDK's message quotes the response body.
        raise BackendUnavailableError(
            f"queue {queue} did not answer ({type(error).__name__}); check the app's role assignments, else try again later"
        ) from None
