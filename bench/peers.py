"""Start and stop what is measured: this app on Azurite, and Orthanc where it is installed."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from azure.storage.queue.aio import QueueClient

from bench.cpu import idle
from bench.orthanc import Orthanc, OrthancMissingError
from client.app import App
from client.azurite import Azurite

_START_SECONDS = 60
_WORK_QUEUES = ("blob-events", "study-changed", "imports")


@dataclass(frozen=True, slots=True)
class Peer:
    """A DICOMweb server that runs."""

    name: str
    root: str
    least: str
    """Address of the least that it can be asked."""
    pids: Mapping[str, int]
    settle: Callable[[], Awaitable[object]]
    """Waits until it has done what it does after it answered."""


@dataclass(frozen=True, slots=True)
class Peers:
    """All that runs. *connection_string* is Azurite's, for the bare operations."""

    ours: Peer
    orthanc: Peer | None
    connection_string: str
    azurite_pid: int


@contextlib.asynccontextmanager
async def running_peers(
    folder: Path, app_command: Callable[[App], list[str]], *, with_orthanc: bool, in_memory: bool
) -> AsyncIterator[Peers]:
    """Start all on data in *folder*, and stop them at the end. Azurite keeps its own in memory, or there too."""
    with contextlib.ExitStack() as processes:
        first = free_ports(5)
        azurite, app = Azurite(first), App(first + 3, folder)
        command = azurite.command(folder / "azurite")
        if in_memory:
            command = in_memory_only(command)
        storage = processes.enter_context(process(command, folder / "azurite.log"))
        async with asyncio.timeout(_START_SECONDS):
            await azurite.answering()
            await azurite.furnish()
        environment = app.environment(os.environ, azurite.connection_string)
        server = processes.enter_context(process(app_command(app), folder / "app.log", environment))
        try:
            async with asyncio.timeout(_START_SECONDS):
                await app.healthy()
        except TimeoutError:
            end = (folder / "app.log").read_text(errors="replace")[-3000:]
            sys.exit(f"the app is not healthy after {_START_SECONDS} s; the end of its log:\n{end}")
        pids = {"app": server, "azurite": storage}
        root = f"{app.url}/dicomweb"
        # No study has such a UID, and that is found out without looking.
        ours = Peer(
            "ours",
            root,
            f"{root}/studies/none/metadata",
            pids,
            lambda: _settled(azurite.connection_string, pids),
        )
        other = None
        if with_orthanc:
            other = await _orthanc(processes, Orthanc(first + 4, folder / "orthanc"))
        yield Peers(ours, other, azurite.connection_string, storage)


def in_memory_only(command: list[str]) -> list[str]:
    """Have Azurite keep nothing on disk.

    On disk it writes all its rows anew every five seconds, as one JSON text: seconds of CPU each time when there are
    50,000 instances, and nothing that Azure does.
    """
    place = command.index("--location")
    return [*command[:place], *command[place + 2 :], "--inMemoryPersistence"]


async def _orthanc(processes: contextlib.ExitStack, orthanc: Orthanc) -> Peer | None:
    try:
        command = orthanc.command()
    except OrthancMissingError as error:
        print(f"Orthanc is left out: {error}")
        return None
    pids = {"orthanc": processes.enter_context(process(command, orthanc.folder / "orthanc.log"))}
    async with asyncio.timeout(_START_SECONDS):
        version = await orthanc.answering()
    print(f"Orthanc {version}, its default index (SQLite), DICOMweb plugin")
    return Peer("orthanc", orthanc.root, orthanc.least, pids, lambda: idle(pids))


async def _settled(connection_string: str, pids: Mapping[str, int]) -> None:
    """Wait until no message waits and nothing is at work."""
    while await _messages(connection_string):
        await idle(pids)
    await idle(pids)


async def _messages(connection_string: str) -> int:
    """Count what waits in the app's queues; messages not yet visible are counted too."""
    count = 0
    for name in _WORK_QUEUES:
        async with QueueClient.from_connection_string(connection_string, name) as queue:
            count += (await queue.get_queue_properties()).approximate_message_count or 0
    return count


@contextlib.contextmanager
def process(command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run a program, its output in *log*, and give its process id; end it after."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def free_ports(count: int) -> int:
    """Return the first of *count* consecutive free ports of loopback."""
    for base in range(20000 + os.getpid() % 3000, 60000, count):
        with contextlib.ExitStack() as sockets:
            try:
                for offset in range(count):
                    one = sockets.enter_context(socket.socket())
                    one.bind(("127.0.0.1", base + offset))
            except OSError:
                continue
            return base
    raise RuntimeError("no free ports on loopback")
