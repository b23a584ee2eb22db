"""Compare the app with its objects on S3 (SeaweedFS) with the same app on blobs (Azurite), side by side in one run.

Tables and queues are on an Azurite each. What counts are the ratios, S3's figure divided by that of blobs.
"""

import argparse
import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from bench.cpu import idle
from bench.dicomweb_operations import FRAME, INSTANCE, DicomwebOperations, body, session
from bench.instances import LARGE, LARGE_STOWED, SMALL, SMALL_STOWED, Kind, instance_bytes
from bench.measure import Contender, Figures, Load, Operation, measure
from bench.peers import free_ports, in_memory_only, process
from client.app import AZURE_STORE, App
from client.azurite import Azurite
from client.seaweedfs import SeaweedFs

_START_SECONDS = 120
_OTHER_PORTS = 4
_PORTS = _OTHER_PORTS + 11
_HEAD = (
    f"{'':36}{'p50':^16}{'app CPU':^16}{'store CPU':^16}{'S3 by blobs':^24}\n"
    f"{'milliseconds':36}{'blobs':>8}{'S3':>8}{'blobs':>8}{'S3':>8}{'blobs':>8}{'S3':>8}"
    f"{'p50':>8}{'app':>8}{'all CPU':>8}"
)


@contextlib.asynccontextmanager
async def _archive(folder: Path, *, on_s3: bool) -> AsyncIterator[tuple[App, Mapping[str, int]]]:
    """Run an app on stores of its own; give it and its processes."""
    with contextlib.ExitStack() as processes:
        first = free_ports(_PORTS)
        seaweedfs = SeaweedFs(first + _OTHER_PORTS) if on_s3 else None
        azurite, app = Azurite(first), App(first + 3, folder)
        command = in_memory_only(azurite.command(folder / "azurite"))
        pids = {"azurite": processes.enter_context(process(command, folder / "azurite.log"))}
        if seaweedfs is not None:
            weed, surroundings = seaweedfs.command(folder / "seaweedfs"), seaweedfs.environment(os.environ)
            log = folder / "seaweedfs.log"
            pids["seaweedfs"] = processes.enter_context(process(weed, log, surroundings))
        async with asyncio.timeout(_START_SECONDS):
            await azurite.answering()
            await azurite.furnish()
            if seaweedfs is not None:
                await seaweedfs.answering()
            environment = app.environment(
                os.environ, azurite.connection_string, seaweedfs.settings() if seaweedfs else AZURE_STORE
            )
            pids["app"] = processes.enter_context(process(app.command(), folder / "app.log", environment))
            await app.healthy()
        yield app, pids


def _path(kind: Kind, number: int) -> str:
    study = number // kind.study_size
    return (
        f"studies/{kind.study_uid(study)}/series/{kind.series_uid(study)}"
        f"/instances/{kind.instance_uid(number)}"
    )


def _storing(kind: Kind, server: DicomwebOperations, load: Load) -> Operation:
    return server.store([body([instance_bytes(kind, number)]) for number in range(load.total)])


def _reading(kind: Kind, server: DicomwebOperations, *, frame: bool) -> Operation:
    least = kind.rows * kind.columns * 2

    def path(number: int) -> str:
        return _path(kind, number * 7919 % kind.study_size) + ("/frames/1" if frame else "")

    return server.retrieve(path, FRAME if frame else INSTANCE, least)


def _row(name: str, blobs: Figures, s3: Figures) -> str:
    stores = [sum(one.cpu.get(store, 0) for store in ("azurite", "seaweedfs")) for one in (blobs, s3)]
    apps = [one.cpu["app"] for one in (blobs, s3)]
    times = (blobs.p50, s3.p50, *apps, *stores)
    every = [app + store for app, store in zip(apps, stores, strict=True)]
    ratios = [s3.p50 / blobs.p50, *(two / one if one else 0 for one, two in (apps, every))]
    return f"{name:36}{''.join(f'{cell:8.2f}' for cell in (*times, *ratios))}"


async def _bench(count: int, folder: Path) -> None:
    stows, reads = Load(count), Load(2 * count)
    async with (
        session() as to_blobs,
        session() as to_s3,
        _archive(folder / "blobs", on_s3=False) as (on_blobs, blob_pids),
        _archive(folder / "s3", on_s3=True) as (on_s3, s3_pids),
    ):
        servers = {}
        for name, app, client in (("blobs", on_blobs, to_blobs), ("s3", on_s3, to_s3)):
            root = f"{app.url}/dicomweb"
            servers[name] = DicomwebOperations(client, root, root)
            for kind in (SMALL, LARGE):
                for number in range(kind.study_size):
                    await servers[name].store([body([instance_bytes(kind, number)])])(0)
        pids = {"blobs": blob_pids, "s3": s3_pids}
        for one in pids.values():
            await idle(one)

        async def row(label: str, load: Load, operations: Mapping[str, Operation]) -> None:
            contenders = [Contender(name, operations[name], pids[name]) for name in servers]
            figures = await measure(contenders, load)
            print(_row(label, figures["blobs"], figures["s3"]), flush=True)

        print(_HEAD, flush=True)
        for kind, label in ((SMALL_STOWED, "10 kB"), (LARGE_STOWED, "525 kB")):
            await row(
                f"STOW {label}, 1 a request",
                stows,
                {name: _storing(kind, server, stows) for name, server in servers.items()},
            )
        for kind, label in ((SMALL, "10 kB"), (LARGE, "525 kB")):
            for frame in (False, True):
                await row(
                    f"WADO {'frame' if frame else 'instance'} {label}",
                    reads,
                    {name: _reading(kind, server, frame=frame) for name, server in servers.items()},
                )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=150, help="objects to store of each size (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a fifth of them, for development")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "blobs").mkdir()
        (folder / "s3" / "seaweedfs").mkdir(parents=True)
        asyncio.run(_bench(options.count // 5 if options.quick else options.count, folder))


if __name__ == "__main__":
    main()
