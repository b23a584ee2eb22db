"""WorkQueue on an Azure Storage queue. Makes no queue and takes no messages: the host's trigger does."""

import base64

import orjson
from azure.core.exceptions import AzureError
from azure.storage.queue.aio import QueueServiceClient

from shared.errors import BackendUnavailableError

DEIDENTIFY = "deidentify"
IMPORTS = "imports"
SESSIONS = "sessions"
UPLOADS = "uploads"
ANALYTICS = "analytics"
"""Names of the queues."""


class StorageWorkQueue:
    """Sends `{"job"}` or `{"job", "item"}` in base64, as the host's queue trigger reads it.

    Args:
        service: The account's queues, by a client made in the running loop with azure_options.request_options.
        name: Of the queue.
    """

    def __init__(self, service: QueueServiceClient, name: str = DEIDENTIFY) -> None:
        self._queue = service.get_queue_client(name)
        self._name = name

    async def send(self, job_id: str, item: int = 0) -> None:
        """Ask that a job be worked on, or one item of it.

        Raises:
            BackendUnavailableError: The queue did not take it.
        """
        message: dict[str, str | int] = {"job": job_id}
        if item:
            message["item"] = item
        try:
            await self._queue.send_message(base64.b64encode(orjson.dumps(message)).decode())
        except AzureError as error:
            raise BackendUnavailableError(
                f"queue {self._name} did not answer ({type(error).__name__}); make it if it is missing, check the"
                " app's role assignments, else try again later"
            ) from None
