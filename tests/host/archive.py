"""The whole archive on this machine, for tests: Azurite and the app under the local host, as `make run` has them."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from client.app import App
from client.azurite import Azurite
from tests.free_ports import free_ports

START_SECONDS = 60
IDLE_ENVIRONMENT = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "TMPDIR")


class Archive:
    """One running archive. Its app can be killed and started again; Azurite stays."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        first = free_ports(4)
        self.azurite = Azurite(first)
        self.app = App(first + 3, folder)
        self._storage: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.session: aiohttp.ClientSession
        self.blobs: BlobServiceClient

    @property
    def dicomweb(self) -> str:
        """The root of the DICOMweb resources."""
        return f"{self.app.url}/dicomweb"

    @property
    def pid(self) -> int:
        """The process of the app."""
        if self._process is None:
            raise RuntimeError("the app does not run")
        return self._process.pid

    def container(self, name: str) -> ContainerClient:
        """Return a container of the archive's account."""
        return self.blobs.get_container_client(name)

    async def open(self) -> None:
        """Start Azurite and make the clients."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "azurite.log").open("wb") as log:
            self._storage = subprocess.Popen(
                self.azurite.command(self.folder / "azurite"), stdout=log, stderr=subprocess.STDOUT
            )
        async with asyncio.timeout(START_SECONDS):
            await self.azurite.answering()
            await self.azurite.furnish()
        self.blobs = BlobServiceClient.from_connection_string(self.azurite.connection_string)
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=300))

    async def close(self) -> None:
        """Stop everything."""
        self.stop(signal.SIGTERM)
        await self.session.close()
        await self.blobs.close()
        self.stop_storage()

    def stop_storage(self) -> None:
        """End Azurite; the app, if it runs, is left without."""
        if self._storage is not None:
            self._storage.terminate()
            self._storage.wait(timeout=10)
            self._storage = None

    async def start(self, *options: str, unset: Collection[str] = (), **settings: str) -> None:
        """Start the app and wait until it is healthy; *options* go to the local host, *unset* settings are left out."""
        surroundings = {name: os.environ[name] for name in IDLE_ENVIRONMENT if name in os.environ}
        environment = self.app.environment(surroundings, self.azurite.connection_string) | settings
        environment = {name: value for name, value in environment.items() if name not in unset}
        with (self.folder / "app.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self.app.command(), *options], env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_SECONDS
        healthy = asyncio.create_task(self.app.healthy())
        while not healthy.done():
            if self._process.poll() is not None or time.monotonic() > deadline:
                healthy.cancel()
                raise RuntimeError(f"the app did not start:\n{self.log()[-4000:]}")
            await asyncio.sleep(0.05)
        await healthy

    def stop(self, how: signal.Signals) -> None:
        """End the app by a signal."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=20)
            self._process = None

    def log(self) -> str:
        """Return what the app has written so far."""
        return (self.folder / "app.log").read_text(errors="replace")

    def resident_bytes(self) -> int:
        """Return the memory that the app's process holds."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    async def search(self, resource: str, **parameters: str) -> list[dict[str, Any]]:
        """Return the rows that a search answers."""
        async with self.session.get(f"{self.dicomweb}/{resource}", params=parameters) as response:
            if response.status == 204:
                return []
            if response.status != 200:
                raise AssertionError(f"{response.status}: {await response.text()}")
            rows: list[dict[str, Any]] = await response.json(content_type=None)
            return rows

    async def changes(self, after: int = 0) -> list[dict[str, Any]]:
        """Return every entry of the change feed after a sequence."""
        entries: list[dict[str, Any]] = []
        while True:
            parameters = {"offset": str(after + len(entries)), "limit": "200", "includemetadata": "false"}
            async with self.session.get(f"{self.dicomweb}/changefeed", params=parameters) as response:
                assert response.status == 200, await response.text()
                page = await response.json(content_type=None)
            if not page:
                return entries
            entries += page


@asynccontextmanager
async def an_archive(folder: Path) -> AsyncIterator[Archive]:
    """Open an archive whose app does not run yet, and close it after."""
    archive = Archive(folder)
    try:
        await archive.open()
        yield archive
    finally:
        await archive.close()


async def eventually(condition: Any, *, seconds: float = 120) -> None:
    """Wait until the coroutine function *condition* returns something true; fail after *seconds*."""
    deadline = time.monotonic() + seconds
    while True:
        last = await condition()
        if last:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come true within {seconds} s")
        await asyncio.sleep(0.2)
