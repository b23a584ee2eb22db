"""Which version of which blob a function is done with, kept in storage; it runs nothing."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceNotFoundError

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient

_LONGEST_NAME = 1024


class Receipts:
    """The receipts of one function, empty blobs below `blobreceipts/<host id>/<function>/`, as in Azure."""

    def __init__(self, hosts: ContainerClient, host_id: str, function_name: str) -> None:
        self._hosts = hosts
        self._prefix = f"blobreceipts/{host_id}/{function_name}/"

    def key(self, container: str, blob: str, etag: str) -> str:
        """Name a receipt within this function's; a name too long for storage is hashed."""
        name = f"{etag.strip('"')}/{container}/{blob}"
        if len(self._prefix) + len(name) <= _LONGEST_NAME:
            return name
        return f"{etag.strip('"')}/sha256/{hashlib.sha256(f'{container}/{blob}'.encode()).hexdigest()}"

    async def load(self) -> set[str]:
        """List the keys of all receipts, some thousands a request.

        Raises:
            AzureError: Storage refuses or cannot be reached.
        """
        try:
            names = self._hosts.list_blob_names(name_starts_with=self._prefix)
            return {name[len(self._prefix) :] async for name in names}
        except ResourceNotFoundError:
            return set()

    async def write(self, key: str) -> None:
        """Record that a function is done with a version of a blob, or that a message carries it.

        Raises:
            AzureError: Storage refuses or cannot be reached.
        """
        await self._hosts.upload_blob(self._prefix + key, b"", overwrite=True)
