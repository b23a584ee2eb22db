"""`python -m bench`: the archive beside the storage requests beneath it, in one run, as ratios.

What counts are the ratios and the CPU milliseconds; wall-clock varies with the machine. Run it on an idle one.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient

from bench.archive_operations import ROOT, ArchiveOperations, body, instance_bytes
from bench.bare_operations import OPTIONS, BareOperations
from bench.measure import Figures, measure
from client.app import App
from client.azurite import Azurite

PORT = int(os.environ.get("BENCH_PORT", "17071"))
AZURITE_PORT = int(os.environ.get("BENCH_AZURITE_PORT", "17100"))
START_SECONDS = 60


def show(ours: Figures, bare: Figures) -> None:
    """Print one line: the archive's operation, what lies beneath, and the ratios."""
    storage = ours.cpu_ms["azurite"]
    ratio = ours.wall_ms / bare.wall_ms
    cpu = (ours.cpu_ms["app"] + storage) / (bare.cpu_ms["client"] + bare.cpu_ms["azurite"])
    print(
        f"{ours.name:44}{ours.median_ms:9.1f}{ours.slow_ms:9.1f}{ours.cpu_ms['app']:9.2f}{storage:9.2f}"
        f"{bare.wall_ms:9.1f}{ratio:8.2f}{cpu:8.2f}",
        flush=True,
    )


async def compare(archive: ArchiveOperations, bare: BareOperations, pids: Mapping[str, int]) -> None:
    """Measure every operation of the archive beside its bare one."""
    print(
        f"{'operation':44}{'median':>9}{'p95':>9}{'app CPU':>9}{'az. CPU':>9}{'bare':>9}{'ratio':>8}{'CPU r.':>8}"
        "   (ms per operation)"
    )
    data = instance_bytes(1, 1)
    study = 0
    for per_request, clients, requests in ((1, 1, 100), (1, 8, 200), (50, 1, 8), (50, 8, 16)):
        bodies = []
        for _ in range(requests):
            study += 1
            bodies.append(body([instance_bytes(study, instance) for instance in range(1, per_request + 1)]))
        name = f"STOW 10 kB, {per_request} a request, {clients} clients"
        prefix = f"stow-{per_request}-{clients}"
        beneath = await measure(
            name, bare.put(prefix, data, per_request), requests, clients=clients, pids=pids
        )
        ours = await measure(name, archive.store(bodies), requests, clients=clients, pids=pids)
        show(ours, beneath)

    hundred = body([instance_bytes(9000, instance) for instance in range(1, 101)])
    await archive.store([hundred])(0)
    await bare.put("hundred", data, 100)(0)
    reads = {
        "WADO instance 10 kB": (archive.instance(9000), bare.read("stow-1-1")),
        "WADO frame 10 kB": (archive.frame(9000), bare.read("stow-1-1", 9000)),
        "WADO metadata of 100 instances": (archive.metadata(9000), bare.query("hundred-0")),
        "QIDO by PatientID": (archive.search("PatientID=B9000"), bare.query("stow-1-1-0")),
        "QIDO by StudyInstanceUID": (
            archive.search(f"StudyInstanceUID={ROOT}.9000"),
            bare.query("stow-1-1-0"),
        ),
        "QIDO page of 25": (archive.search("limit=25"), bare.query("hundred-0")),
    }
    for name, (ours_of, bare_of) in reads.items():
        for clients in (1, 8):
            count = 100 if "100 instances" in name else 300
            label = f"{name}, {clients} clients"
            beneath = await measure(label, bare_of, count, clients=clients, pids=pids)
            show(await measure(label, ours_of, count, clients=clients, pids=pids), beneath)


async def drop_to_found(archive: ArchiveOperations, blobs: BlobServiceClient) -> None:
    """Measure how long a blob dropped past the app takes to be found."""
    waits = []
    for number in range(5):
        await blobs.get_container_client("images").upload_blob(
            f"drop-{number}.dcm", instance_bytes(9500 + number, 1)
        )
        began = time.perf_counter()
        while True:
            url = f"{archive.root}/studies?StudyInstanceUID={ROOT}.{9500 + number}"
            async with archive.session.get(url) as response:
                if response.status == 200:
                    break
            await asyncio.sleep(0.02)
        waits.append(time.perf_counter() - began)
    print(f"a dropped blob is found after (s): {', '.join(f'{wait:.2f}' for wait in waits)}")


async def run(folder: Path) -> None:
    """Start Azurite and the app on *folder*, measure, stop both."""
    azurite, app = Azurite(AZURITE_PORT), App(PORT, folder)
    storage = subprocess.Popen(azurite.command(folder / "azurite"), stdout=subprocess.DEVNULL)
    process: subprocess.Popen[bytes] | None = None
    try:
        async with asyncio.timeout(START_SECONDS):
            await azurite.answering()
            await azurite.furnish()
        with (folder / "app.log").open("wb") as log:
            environment = app.environment(os.environ, azurite.connection_string)
            process = subprocess.Popen(app.command(), env=environment, stdout=log, stderr=subprocess.STDOUT)
        async with asyncio.timeout(START_SECONDS):
            await app.healthy()
        async with (
            aiohttp.ClientSession() as session,
            BlobServiceClient.from_connection_string(azurite.connection_string, **OPTIONS) as blobs,
            TableServiceClient.from_connection_string(azurite.connection_string, **OPTIONS) as tables,
        ):
            table = await tables.create_table("bench")
            container = await blobs.create_container("bench")
            archive = ArchiveOperations(session, f"{app.url}/dicomweb")
            pids = {"app": process.pid, "azurite": storage.pid}
            await drop_to_found(archive, blobs)
            await compare(archive, BareOperations(container, table), pids)
    finally:
        for child in (process, storage):
            if child is not None:
                child.terminate()
                child.wait(20)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(run(Path(name)))
    print("\nheader to DICOM JSON, beside pydicom:")
    sys.exit(subprocess.run([sys.executable, "bench/header_json.py"], check=False).returncode)
