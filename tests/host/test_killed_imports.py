"""The app is killed while it imports: nothing is lost, nothing that was confirmed is fetched again, nothing half is seen."""

import asyncio
import contextlib
import json
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bench.orthanc import Orthanc
from tests.free_ports import free_ports
from tests.host.archive import Archive, an_archive
from tests.host.imports import begin, ended, fill
from tests.instances import an_instance, uids
from tests.orthanc import an_orthanc

pytestmark = [pytest.mark.host]

INSTANCES = 10
LEASE = ("--lease", "1")
WAIT_SECONDS = 4


@dataclass(slots=True)
class Recording:
    """Passes requests on to an Orthanc, and remembers which files were asked for."""

    root: str
    fetched: list[str] = field(default_factory=list)
    wanted: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when so many were asked for as are *wanted*."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer as the Orthanc does; a file slowly, so that there is a moment to be killed in."""
        if request.path.endswith("/file"):
            self.fetched.append(request.path.split("/")[2])
            if len(self.fetched) == self.wanted:
                self.reached.set()
            await asyncio.sleep(0.01)
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method, f"{self.root}{request.path_qs}", data=await request.read()
            ) as answer,
        ):
            return web.Response(status=answer.status, body=await answer.read())


@asynccontextmanager
async def recorded(orthanc: Orthanc) -> AsyncIterator[tuple[str, Recording]]:
    """Serve what passes on to *orthanc*; yield its root and what it remembers."""
    recording = Recording(f"http://127.0.0.1:{orthanc.port}")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", recording.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_ports(1)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}", recording
    finally:
        await runner.cleanup()


async def confirmed(archive: Archive) -> set[str]:
    """Return the source ids that stand in manifests as in the archive, whether or not the app runs."""
    derived, found = archive.container("derived"), set()
    async for blob in derived.list_blobs(name_starts_with="imports/"):
        if blob.name.endswith(".jsonl"):
            content = await (await derived.download_blob(blob.name)).readall()
            entries = [json.loads(line) for line in content.splitlines()]
            found |= {entry["sourceId"] for entry in entries if entry["state"] in ("stored", "present")}
    return found


async def kill_while_importing(folder: Path, *, studies: int, kills: int) -> None:
    """Import some studies under *kills* kills at moments of chance, and look at the outcome."""
    chance = random.Random(6)
    async with (
        an_orthanc(folder) as orthanc,
        recorded(orthanc) as (url, recording),
        an_archive(folder / "archive") as archive,
    ):
        await fill(archive, orthanc, range(1, studies + 1), INSTANCES)
        sources = {"orthanc": {"kind": "orthanc", "url": url}}
        settings = {
            "DICOM_IMPORT_SOURCES": json.dumps(sources),
            "DICOM_IMPORT_LOOPBACK": "true",
            "DICOM_IMPORT_CONNECTIONS": "2",
            # The host gives a message up that was begun too often, and here all that are under way are begun again at each start.
            "AzureFunctionsJobHost__extensions__queues__maxDequeueCount": str(10 * kills),
        }
        await archive.start(*LEASE, **settings)
        status = await begin(archive, source="orthanc")
        known: list[tuple[int, set[str]]] = []
        for _ in range(kills):
            if not known or len(known[-1][1]) < studies * INSTANCES:
                await under_way(recording, chance.randrange(8, 60))
            archive.stop(signal.SIGKILL)
            known.append((len(recording.fetched), await confirmed(archive)))
            await archive.start(*LEASE, **settings)
        told = await ended(archive, status, seconds=300)
        assert (told["status"], told["failures"], told["studies"]) == ("done", [], studies)
        for position, done in known:
            assert not done & set(recording.fetched[position:])
        assert any(done for _, done in known)
        await look(archive, studies)


async def under_way(recording: Recording, count: int) -> None:
    """Wait until so many more files were asked for, or nobody asks any more."""
    recording.wanted, recording.reached = len(recording.fetched) + count, asyncio.Event()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(recording.reached.wait(), WAIT_SECONDS)


async def look(archive: Archive, studies: int) -> None:
    """Hold the archive against what was to be imported."""
    stored = {}
    objects = archive.container("archive")
    async for blob in objects.list_blobs():
        stored[blob.name.rsplit("/", 1)[1]] = await (await objects.download_blob(blob.name)).readall()
    assert stored == {
        f"{uids(study, 1, number)[2]}.dcm": an_instance(study, 1, number)
        for study in range(1, studies + 1)
        for number in range(1, INSTANCES + 1)
    }
    rows = await archive.search("studies", limit="1000")
    assert [row["00201208"]["Value"][0] for row in rows] == [INSTANCES] * studies
    entries = await archive.changes()
    assert len({entry["SopInstanceUid"] for entry in entries}) == len(entries) == studies * INSTANCES


async def test_ten_kills_while_importing(tmp_path: Path) -> None:
    """At ten moments."""
    await kill_while_importing(tmp_path, studies=8, kills=10)


@pytest.mark.scale
@pytest.mark.timeout(1800)
async def test_fifty_kills_while_importing(tmp_path: Path) -> None:
    """At fifty moments."""
    await kill_while_importing(tmp_path, studies=40, kills=50)
