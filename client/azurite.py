"""Azurite, the local stand-in for Azure Storage: how it is started, reached and furnished; it loads no data."""

import asyncio
import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from client.errors import ClientError

CONTAINERS = ("images", "archive", "sessions", "derived", "rejected", "quarantine", "audit")
QUEUES = tuple(
    name + suffix
    for name in (
        "blob-events",
        "study-changed",
        "deidentify",
        "upstream-events",
        "imports",
        "uploads",
        "analytics",
        "sessions",
    )
    for suffix in ("", "-poison")
)
TABLES = (
    "objects",
    "instances",
    "series",
    "studies",
    "lookups",
    "instancelookups",
    "cases",
    "report",
    "changes",
    "checkpoints",
    "jobs",
)

_PROGRAM = Path(__file__).parent.parent / ".tools" / "node_modules" / ".bin" / "azurite"
_ACCOUNT = "devstoreaccount1"
# Published by Microsoft for every emulator; it protects nothing.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True, slots=True)
class Azurite:
    """One Azurite on loopback: blobs at *blob_port*, queues and tables at the two ports after it."""

    blob_port: int

    @property
    def ports(self) -> tuple[int, int, int]:
        """Name the ports of blobs, queues and tables."""
        return self.blob_port, self.blob_port + 1, self.blob_port + 2

    @property
    def blob_endpoint(self) -> str:
        """Name the address of the account's blobs."""
        return self._endpoint(self.blob_port)

    @property
    def connection_string(self) -> str:
        """Say how the Azure libraries reach it, in their own notation."""
        blob, queue, table = map(self._endpoint, self.ports)
        return (
            f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};"
            f"BlobEndpoint={blob};QueueEndpoint={queue};TableEndpoint={table};"
        )

    def command(self, folder: Path) -> list[str]:
        """Say how it is started on data in *folder*.

        Raises:
            ClientError: It is not installed.
        """
        if not _PROGRAM.exists():
            raise ClientError(f"Azurite is not installed: {_PROGRAM} is missing; `make run` installs it")
        places = zip(("blob", "queue", "table"), self.ports, strict=True)
        addresses = [
            word
            for kind, port in places
            for word in (f"--{kind}Host", "127.0.0.1", f"--{kind}Port", str(port))
        ]
        flags = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        return [str(_PROGRAM), "--location", str(folder), *addresses, *flags]

    async def answering(self) -> None:
        """Wait until all three ports accept connections."""
        for port in self.ports:
            while True:
                with contextlib.suppress(ConnectionRefusedError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.05)

    async def furnish(self) -> None:
        """Create the containers, queues and tables of the app where they are missing."""
        connection = self.connection_string
        async with (
            BlobServiceClient.from_connection_string(connection) as blobs,
            QueueServiceClient.from_connection_string(connection) as queues,
            TableServiceClient.from_connection_string(connection) as tables,
        ):
            await asyncio.gather(
                *(_unless_there(blobs.create_container(name)) for name in CONTAINERS),
                *(_unless_there(queues.create_queue(name)) for name in QUEUES),
                *(_unless_there(tables.create_table(name)) for name in TABLES),
            )

    @staticmethod
    def _endpoint(port: int) -> str:
        return f"http://127.0.0.1:{port}/{_ACCOUNT}"


async def _unless_there(creation: Awaitable[object]) -> None:
    with contextlib.suppress(ResourceExistsError):
        await creation
