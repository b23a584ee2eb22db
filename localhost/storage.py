"""Storage clients, one pair per connection setting; it knows no queue and no container by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from localhost.errors import StartError
from localhost.settings import connection_setting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from azure.storage.blob.aio import ContainerClient
    from azure.storage.queue.aio import QueueClient

HOST_CONNECTION = "AzureWebJobsStorage"
HOSTS_CONTAINER = "azure-webjobs-hosts"
# A message or scan is tried again by its trigger; requests themselves need only bridge a hiccup.
_CLIENT: dict[str, Any] = {
    "connection_timeout": 5,
    "read_timeout": 60,
    "retry_total": 3,
    "initial_backoff": 1,
    "increment_base": 2,
}


class Storage:
    """Opens clients by the connection names that bindings use, and closes them all."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._queues: dict[str, QueueServiceClient] = {}
        self._blobs: dict[str, BlobServiceClient] = {}

    def setting(self, connection: str | None, where: str) -> str:
        """Name the app setting that holds a connection's string.

        Raises:
            StartError: There is none.
        """
        return connection_setting(connection or HOST_CONNECTION, self._environ, where)

    def queue(self, connection: str | None, name: str, where: str) -> QueueClient:
        """Open a queue by name.

        Raises:
            StartError: The connection has no setting, or not one that can be read.
        """
        setting = self.setting(connection, where)
        if setting not in self._queues:
            try:
                self._queues[setting] = QueueServiceClient.from_connection_string(
                    self._environ[setting], **_CLIENT
                )
            except ValueError as error:
                raise StartError(f"{where}: app setting {setting} is no connection string") from error
        return self._queues[setting].get_queue_client(name)

    def container(self, connection: str | None, name: str, where: str) -> ContainerClient:
        """Open a container by name.

        Raises:
            StartError: The connection has no setting, or not one that can be read.
        """
        setting = self.setting(connection, where)
        if setting not in self._blobs:
            try:
                self._blobs[setting] = BlobServiceClient.from_connection_string(
                    self._environ[setting], **_CLIENT
                )
            except ValueError as error:
                raise StartError(f"{where}: app setting {setting} is no connection string") from error
        return self._blobs[setting].get_container_client(name)

    async def close(self) -> None:
        """Close every client."""
        for queues in self._queues.values():
            await queues.close()
        for blobs in self._blobs.values():
            await blobs.close()


async def ensure_queue(queue: QueueClient) -> None:
    """Create a queue unless it exists.

    Raises:
        StartError: Storage refuses or cannot be reached.
    """
    await _ensure(queue.create_queue(), f"queue {queue.queue_name}")


async def ensure_container(container: ContainerClient) -> None:
    """Create a container unless it exists.

    Raises:
        StartError: Storage refuses or cannot be reached.
    """
    await _ensure(container.create_container(), f"container {container.container_name}")


async def _ensure(creation: Awaitable[object], what: str) -> None:
    try:
        await creation
    except ResourceExistsError:
        return
    except AzureError as error:
        reason = str(error).partition("\n")[0]
        raise StartError(f"{what} cannot be created; is storage (Azurite) running? {reason}") from error
