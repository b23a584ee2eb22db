"""Add audit messages to append blobs, one an hour and process, a second or less after they come."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from shared.errors import SettingsError
from shared.telemetry.audit_trail import AuditTrail, LogTrail
from shared.telemetry.events import event

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient

_log = logging.getLogger(__name__)

DELAY_SECONDS: Final = 1.0
"""For which messages are gathered: what is lost, at most, when a process is killed."""
_MAX_BYTES: Final = 3 * 1024 * 1024
"""Of one addition; Azure takes 4 MiB."""
MAX_BLOCKS: Final = 49_000
"""Additions to one blob; Azure takes 50,000."""


class AuditBlobs:
    """Append blobs `{year}/{month}/{day}/{hour}-{process}-{number}.jsonl` of a container."""

    def __init__(
        self,
        open_service: "Callable[[], BlobServiceClient]",
        container: str,
        *,
        fallback: AuditTrail | None = None,
        delay_seconds: float = DELAY_SECONDS,
        max_blocks: int = MAX_BLOCKS,
    ) -> None:
        """Connect to nothing yet.

        Args:
            open_service: Makes the client, inside the running loop.
            container: Where the blobs are.
            fallback: What takes the messages that the container does not; the log unless given.
            delay_seconds: For which messages are gathered.
            max_blocks: Additions to one blob.
        """
        self._open = open_service
        self._service: BlobServiceClient | None = None
        self._container = container
        self._fallback = fallback or LogTrail()
        self._delay = delay_seconds
        self._max_blocks = max_blocks
        self._process = uuid.uuid4().hex[:12]
        self._waiting: list[bytes] = []
        self._writing: asyncio.Task[None] | None = None
        self._name = ""
        self._hour = ""
        self._number = 0
        self._blocks = 0

    def write(self, line: str) -> None:
        """Take a message; it is written within about a second."""
        self._waiting.append(line.encode() + b"\n")
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())

    async def close(self) -> None:
        """Write what is waiting, and close the client."""
        if self._writing is not None:
            await self._writing
        if self._service is not None:
            await self._service.close()

    async def _write_soon(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._delay)
            while self._waiting:
                await self._write(self._taken())

    def _taken(self) -> list[bytes]:
        """Take as many of the waiting messages as one addition may hold."""
        count, size = 0, 0
        for line in self._waiting:
            size += len(line)
            if count and size > _MAX_BYTES:
                break
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    async def _write(self, lines: list[bytes]) -> None:
        from azure.core.exceptions import AzureError

        try:
            await self._append(b"".join(lines))
        except (AzureError, SettingsError, OSError, TimeoutError) as error:
            event(
                _log, "audit not written", level=logging.ERROR, error=type(error).__name__, count=len(lines)
            )
            self._name = ""
            for line in lines:
                self._fallback.write(line.decode().rstrip("\n"))

    async def _append(self, data: bytes) -> None:
        if self._service is None:
            self._service = self._open()
        hour = datetime.now(UTC).strftime("%Y/%m/%d/%H")
        container = self._service.get_container_client(self._container)
        if not self._name or hour != self._hour or self._blocks >= self._max_blocks:
            self._number += 1
            name = f"{hour}-{self._process}-{self._number}.jsonl"
            await container.get_blob_client(name).create_append_blob()
            self._name, self._hour, self._blocks = name, hour, 0
        await container.get_blob_client(self._name).append_block(data, length=len(data))
        self._blocks += 1
