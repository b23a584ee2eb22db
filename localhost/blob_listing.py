"""Lists the blobs of a container by name and version, cheaply; it decides nothing.

The SDK's `list_blobs` spends 135 us of CPU on each blob and blocks the loop for as long; what a scan needs
of the same answer is read here in a tenth of that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from azure.storage.blob import BlobProperties
    from azure.storage.blob.aio import ContainerClient


@dataclass(frozen=True, slots=True)
class FoundBlob:
    """One version of a blob, as a listing or a look at it told; size in bytes, etag without quotes."""

    name: str
    etag: str
    size: int
    content_type: str
    last_modified: str


async def list_pages(
    container: ContainerClient, prefix: str, page_size: int = 5_000
) -> AsyncIterator[list[FoundBlob]]:
    """Yield the blobs whose names begin with a prefix, a page at a time; storage gives at most 5,000 a page.

    Raises:
        AzureError: Storage refuses or cannot be reached.
    """
    bodies: list[bytes] = []

    def keep(response: Any) -> None:
        bodies.append(response.http_response.body())

    names = container.list_blob_names(
        name_starts_with=prefix or None, results_per_page=page_size, raw_response_hook=keep
    )
    async for _ in names.by_page():
        yield read_page(bodies.pop())
        bodies.clear()


def read_page(body: bytes) -> list[FoundBlob]:
    """Read one answer of List Blobs."""
    # The document comes from the storage account that the app trusts with its data.
    root = ET.fromstring(body)  # noqa: S314 - see above
    return [_read_blob(blob) for blob in root.iterfind("Blobs/Blob")]


def _read_blob(blob: ET.Element) -> FoundBlob:
    name = blob.find("Name")
    text = (name.text or "") if name is not None else ""
    # A name that XML cannot hold comes percent-encoded.
    if name is not None and name.get("Encoded") == "true":
        text = unquote(text)
    found = {item.tag: item.text or "" for item in blob.iterfind("Properties/*")}
    return FoundBlob(
        name=text,
        etag=found.get("Etag", "").strip('"'),
        size=int(found.get("Content-Length") or 0),
        content_type=found.get("Content-Type", ""),
        last_modified=found.get("Last-Modified", ""),
    )


def found_blob(properties: BlobProperties) -> FoundBlob:
    """Keep of the SDK's properties what a trigger needs."""
    modified = properties.last_modified
    return FoundBlob(
        name=str(properties.name),
        etag=str(properties.etag).strip('"'),
        size=int(properties.size or 0),
        content_type=str(properties.content_settings.content_type or ""),
        last_modified=modified.strftime("%a, %d %b %Y %H:%M:%S GMT") if modified is not None else "",
    )
