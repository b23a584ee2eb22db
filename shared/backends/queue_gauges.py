"""QueueGauges on Azure Storage queues."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue.aio import QueueServiceClient

from shared.errors import BackendUnavailableError
from shared.ports.queue_gauges import Waiting

_MAX_QUEUES: Final = 100


class StorageQueueGauges:
    """A QueueGauges of every queue of an account.

    Args:
        service: The account's queues, by a client made in the running loop with azure_options.request_options.
    """

    def __init__(self, service: QueueServiceClient) -> None:
        self._service = service

    async def waiting(self) -> Sequence[Waiting]:
        """Return what waits in each queue.

        Raises:
            BackendUnavailableError: The queues did not answer.
        """
        found: list[Waiting] = []
        try:
            async for queue in self._service.list_queues():
                if len(found) >= _MAX_QUEUES:
                    break
                try:
                    found.append(await self._of(queue.name))
                except ResourceNotFoundError:
                    continue  # it went since it was listed
        except AzureError as error:
            raise BackendUnavailableError(f"the queues did not answer ({type(error).__name__})") from None
        return found

    async def _of(self, name: str) -> Waiting:
        client = self._service.get_queue_client(name)
        count = (await client.get_queue_properties()).approximate_message_count or 0
        first = await client.peek_messages(max_messages=1) if count else []
        inserted = first[0].inserted_on if first else None
        age = (datetime.now(UTC) - inserted).total_seconds() if inserted else 0.0
        return Waiting(name, int(count), max(age, 0.0))
