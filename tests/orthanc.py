"""Orthanc on loopback, for tests that hold this archive to it: started empty, and ended after."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.orthanc import Orthanc
from tests.free_ports import free_ports
from tests.host.archive import START_SECONDS


@asynccontextmanager
async def an_orthanc(folder: Path) -> AsyncIterator[Orthanc]:
    """Start Debian's Orthanc with its DICOMweb plugin, and end it after."""
    orthanc = Orthanc(free_ports(1), folder)
    command = orthanc.command()
    surroundings = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ
    }
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen(command, env=surroundings, stdout=log, stderr=subprocess.STDOUT)
    try:
        async with asyncio.timeout(START_SECONDS):
            await orthanc.answering()
        yield orthanc
    finally:
        process.terminate()
        process.wait(timeout=20)
