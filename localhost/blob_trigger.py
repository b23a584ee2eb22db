"""Blob triggers: scans a container and runs a function once for each version of each blob.

What a kill leaves behind, at any point:
- before the function ended: no receipt, so the next start runs it again, at once;
- after it succeeded, before its receipt is written: it runs once more;
- after it failed: first a message for another try is written, then the receipt; a kill between the two
  means one extra try. From then on the message carries the blob, with its count of tries.
So nothing is lost, and what ran twice was in flight at the kill.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from azure.core.exceptions import AzureError, ResourceNotFoundError

from localhost.blob_listing import list_pages

if TYPE_CHECKING:
    from localhost.blob_function import BlobFunction
    from localhost.blob_listing import FoundBlob
    from localhost.blob_retries import BlobRetries
    from localhost.receipts import Receipts

_log = logging.getLogger("localhost")


class BlobScanner:
    """Finds new versions of blobs for one function and hands each on once, a bounded number at a time."""

    def __init__(
        self,
        function: BlobFunction,
        receipts: Receipts,
        retries: BlobRetries,
        interval: float,
        parallelism: int,
    ) -> None:
        self._container = function.container
        self._function = function
        self._receipts = receipts
        self._retries = retries
        self._interval = interval
        self._slots = asyncio.Semaphore(parallelism)
        self._stopping = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()
        # Name -> version that is done or in flight. Needs a look at the receipts only for the first scan.
        self._seen: dict[str, str] = {}
        self._old_receipts: set[str] | None = None
        self._first_scan = True

    async def start(self) -> None:
        """Begin to scan."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self, grace: float) -> None:
        """Scan no more, wait `grace` seconds for what is in flight and cut the rest, which the next start repeats."""
        self._stopping.set()
        tasks = {*self._running, *([self._loop] if self._loop is not None else [])}
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace)
        # The scan may have begun one more in the meantime.
        late |= self._running
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=0.5)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._scan()
            except ResourceNotFoundError:
                self._seen.clear()
            except (AzureError, ParseError) as error:
                _log.warning(
                    "%s: the scan failed, trying again: %s", self._function.name, type(error).__name__
                )
            try:
                await asyncio.wait_for(self._stopping.wait(), self._interval)
            except TimeoutError:
                continue

    async def _scan(self) -> None:
        if self._first_scan and self._old_receipts is None:
            self._old_receipts = await self._receipts.load()
        present: set[str] = set()
        async for page in list_pages(self._container, self._function.path.prefix):
            matching = [blob for blob in page if self._function.path.match(blob.name) is not None]
            present.update(blob.name for blob in matching)
            for blob in matching:
                if self._seen.get(blob.name) != blob.etag and not self._is_done(blob):
                    await self._slots.acquire()
                    if self._stopping.is_set():
                        return
                    self._seen[blob.name] = blob.etag
                    self._spawn(blob)
        for name in [name for name in self._seen if name not in present]:
            del self._seen[name]
        self._first_scan, self._old_receipts = False, None

    def _is_done(self, blob: FoundBlob) -> bool:
        if self._old_receipts is None or self._key(blob) not in self._old_receipts:
            return False
        self._seen[blob.name] = blob.etag
        return True

    def _key(self, blob: FoundBlob) -> str:
        return self._receipts.key(self._container.container_name, blob.name, blob.etag)

    def _spawn(self, blob: FoundBlob) -> None:
        task = asyncio.create_task(self._process(blob))
        self._running.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._slots.release()

    async def _process(self, blob: FoundBlob) -> None:
        recorded = False
        try:
            if not await self._function.run(blob):
                await self._retries.add(self._function.name, self._container.container_name, blob)
            recorded = True
            await self._receipts.write(self._key(blob))
        except AzureError as error:
            _log.error("%s: %s cannot be recorded: %s", self._function.name, blob.name, type(error).__name__)
        finally:
            if not recorded:
                # The next scan finds it as new.
                self._seen.pop(blob.name, None)
