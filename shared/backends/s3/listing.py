"""List a bucket in the order of names, whatever order the service lists in. Knows nothing of threads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from operator import itemgetter
from typing import Any

from shared.backends.s3.answers import info_of_listing
from shared.backends.s3.names import PROBE_NAME
from shared.errors import SettingsError
from shared.records import ObjectInfo

PAGE_LENGTH = 1000
"""Names that one request asks for; no service gives more."""

type ListPage = Callable[[dict[str, Any]], Awaitable[Mapping[str, Any]]]
"""Sends ListObjectsV2 with these parameters, beside the bucket."""


async def list_flat(
    container: str, list_page: ListPage, *, prefix: str, after: str
) -> AsyncIterator[ObjectInfo]:
    """Yield the objects as the service lists them, which is in the order of names if it follows Amazon.

    Raises:
        SettingsError: It does not.

    Source: "ListObjectsV2", Amazon S3 API reference: keys come in the order of their UTF-8 bytes.
    """
    # The order of UTF-8 is that of code points, by which Python compares.
    last = after
    async for page in _pages(list_page, {"Prefix": prefix, **({"StartAfter": after} if after else {})}):
        for listed in page.get("Contents", ()):
            info = info_of_listing(container, listed)
            if info.key.name <= last:
                raise SettingsError(
                    f"the S3 service does not list container {container} in the order of names; set "
                    "DICOM_S3_KEYS=folders if it keeps names as paths"
                )
            last = info.key.name
            if last != PROBE_NAME:
                yield info


async def list_folders(
    container: str, list_page: ListPage, *, prefix: str, after: str
) -> AsyncIterator[ObjectInfo]:
    """Yield the objects folder by folder, each sorted here; the entries of the folders on one path are held.

    For services that list `a/b` before `a-b` and begin after a name in an order of their own.
    """
    # Not recursive: a name may have 512 folders.
    waiting = await _entries(container, list_page, prefix)
    while waiting:
        name, info = waiting.pop()
        if info is not None:
            if name > after and name != PROBE_NAME:
                yield info
        elif name > after or after.startswith(name):
            waiting += await _entries(container, list_page, name)


async def _entries(container: str, list_page: ListPage, prefix: str) -> list[tuple[str, ObjectInfo | None]]:
    """Return what begins with *prefix* up to the next `/`, the last name first; None stands for a folder."""
    entries: dict[str, ObjectInfo | None] = {}
    async for page in _pages(list_page, {"Prefix": prefix, "Delimiter": "/"}):
        entries |= {folder["Prefix"]: None for folder in page.get("CommonPrefixes", ())}
        # A folder that nobody made, and that holds nothing any more, is listed without an etag.
        made = (listed for listed in page.get("Contents", ()) if listed["ETag"].strip('"'))
        infos = (info_of_listing(container, listed) for listed in made)
        entries |= {info.key.name: info for info in infos}
    return sorted(entries.items(), key=itemgetter(0), reverse=True)


async def _pages(list_page: ListPage, parameters: dict[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
    while True:
        page = await list_page({"MaxKeys": PAGE_LENGTH, **parameters})
        yield page
        if not page.get("IsTruncated"):
            return
        parameters = {**parameters, "ContinuationToken": page["NextContinuationToken"]}
