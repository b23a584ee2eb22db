"""Runs a function on one version of a blob: what the function is handed, whole content or a name only."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

from localhost.blob_listing import found_blob
from localhost.protos import TypedData

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient

    from localhost.bindings import Function
    from localhost.blob_listing import FoundBlob
    from localhost.blob_paths import BlobPath
    from localhost.invoker import Invoker


class BlobFunction:
    """One blob-triggered function and the container it watches."""

    def __init__(
        self, function: Function, path: BlobPath, container: ContainerClient, setting: str, invoker: Invoker
    ) -> None:
        self._function = function
        self._setting = setting
        self._invoker = invoker
        self.container = container
        self.path = path
        self.name = function.name

    async def run(self, blob: FoundBlob) -> bool:
        """Run the function and tell whether it succeeded; a blob that is gone or changed is nothing to do.

        Raises:
            AzureError: The content is needed and cannot be read.
        """
        if self._function.takes_sdk_client:
            return await self._invoker.run(self._function, self._reference(blob), self._metadata(blob, {}))
        client = self.container.get_blob_client(blob.name)
        try:
            stream = await client.download_blob(etag=blob.etag, match_condition=MatchConditions.IfNotModified)
            content = await stream.readall()
        except (ResourceNotFoundError, ResourceModifiedError):
            return True
        metadata = self._metadata(blob, stream.properties.metadata or {})
        return await self._invoker.run(self._function, self._content(content), metadata)

    async def look(self, name: str) -> FoundBlob | None:
        """Look at a blob as it is now; None when it is gone.

        Raises:
            AzureError: Storage refuses or cannot be reached.
        """
        try:
            return found_blob(await self.container.get_blob_client(name).get_blob_properties())
        except ResourceNotFoundError:
            return None

    def _reference(self, blob: FoundBlob) -> TypedData:
        content = {"Connection": self._setting, "ContainerName": self.path.container, "BlobName": blob.name}
        reference = SimpleNamespace(
            version="1.0",
            source="AzureStorageBlobs",
            content_type="application/json",
            content=json.dumps(content).encode(),
        )
        return TypedData(model_binding_data=reference)

    def _content(self, content: bytes) -> TypedData:
        if str(self._function.trigger.get("dataType", "")).upper() == "STRING":
            return TypedData(string=content.decode(errors="replace"))
        return TypedData(bytes=content)

    def _metadata(self, blob: FoundBlob, metadata: dict[str, str]) -> dict[str, TypedData]:
        properties = {
            "ContentLength": blob.size,
            "Length": blob.size,
            "ContentType": blob.content_type,
            "ETag": f'"{blob.etag}"',
            "LastModified": blob.last_modified,
        }
        url = self.container.get_blob_client(blob.name).url.partition("?")[0]
        fields = {
            "BlobTrigger": TypedData(string=f"{self.path.container}/{blob.name}"),
            "Uri": TypedData(string=url),
            "Properties": TypedData(json=json.dumps(properties)),
            "Metadata": TypedData(json=json.dumps(metadata)),
        }
        parameters = self.path.match(blob.name) or {}
        return fields | {name: TypedData(string=value) for name, value in parameters.items()}
