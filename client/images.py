"""Where users drop images: a container of Azurite, or a bucket of SeaweedFS. Loads no samples."""

import asyncio
from types import TracebackType
from typing import Any, Protocol, Self

from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import ContainerClient

from client.seaweedfs import SeaweedFs

CONTAINER = "images"
_CONTENT_TYPE = "application/dicom"


class Images(Protocol):
    """A place that the app watches; to be entered before use."""

    async def is_empty(self) -> bool:
        """Tell whether nothing is there."""
        ...

    async def write(self, name: str, content: bytes) -> None:
        """Drop a file."""
        ...

    async def __aenter__(self) -> Self:
        """Open it."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        ...


class ContainerOfImages:
    """The container of the account that *connection_string* names."""

    def __init__(self, connection_string: str) -> None:
        self._container = ContainerClient.from_connection_string(connection_string, CONTAINER)

    async def __aenter__(self) -> Self:
        """Do nothing yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._container.close()

    async def is_empty(self) -> bool:
        """Tell whether it holds no blob."""
        async for _ in self._container.list_blob_names(results_per_page=1):
            return False
        return True

    async def write(self, name: str, content: bytes) -> None:
        """Write a blob, over one that is there."""
        settings = ContentSettings(content_type=_CONTENT_TYPE)
        await self._container.upload_blob(name, content, overwrite=True, content_settings=settings)


class BucketOfImages:
    """The bucket of *seaweedfs*."""

    def __init__(self, seaweedfs: SeaweedFs) -> None:
        self._seaweedfs = seaweedfs
        self._client: Any = None

    async def __aenter__(self) -> Self:
        """Make the client, which takes a while."""
        self._client = await asyncio.to_thread(self._seaweedfs.client)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._client.close()

    async def is_empty(self) -> bool:
        """Tell whether it holds no object."""
        page = await asyncio.to_thread(self._client.list_objects_v2, Bucket=CONTAINER, MaxKeys=1)
        return not page.get("Contents")

    async def write(self, name: str, content: bytes) -> None:
        """Write an object, over one that is there."""
        await asyncio.to_thread(
            self._client.put_object, Bucket=CONTAINER, Key=name, Body=content, ContentType=_CONTENT_TYPE
        )
