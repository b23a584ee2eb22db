"""`python -m bench`: this archive, Orthanc and bare storage, side by side in one run.

What counts are the ratios and the CPU milliseconds; wall-clock varies with the machine. Run it on an idle one.
"""

import argparse
import asyncio
import dataclasses
import json
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from bench import report
from bench.bare_operations import BareOperations, bare_operations
from bench.dicomweb_operations import DicomwebOperations, session
from bench.filling import Stock, fill, missing
from bench.instances import HUNDRED, LARGE, SMALL, Kind
from bench.measure import Contender, Figures, measure
from bench.peers import Peer, Peers, running_peers
from bench.plans import HUNDRED_STUDIES, LARGE_STUDIES, PLANS, Plan, furnish


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--instances", default="5000,50000", help="sizes of the store at which to measure (%(default)s)"
    )
    parser.add_argument("--only", default="", help="measure operations only whose name contains this")
    parser.add_argument("--quick", action="store_true", help="a fifth of the work, for development")
    parser.add_argument("--without-orthanc", action="store_true", help="leave Orthanc out")
    parser.add_argument("--data", type=Path, help="keep the filled stores in this folder and use them again")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--without-header", action="store_true", help="leave out the reading of headers")
    return parser.parse_args()


class Bench:
    """One run against peers that are up."""

    def __init__(self, peers: Peers, bare: BareOperations, stock: Stock, stack: AsyncExitStack) -> None:
        self._peers = peers
        self._bare = bare
        self._stock = stock
        self._stack = stack
        self._servers: list[tuple[Peer, DicomwebOperations]] = []

    async def open(self) -> None:
        """Make the clients, and store what every size has."""
        for peer in (self._peers.ours, self._peers.orthanc):
            if peer is not None:
                client = await self._stack.enter_async_context(session())
                self._servers.append((peer, DicomwebOperations(client, peer.root)))
        if not self._stock.instances:
            await furnish(self._bare)
            for kind, studies in ((LARGE, LARGE_STUDIES), (HUNDRED, HUNDRED_STUDIES)):
                await self._fill(kind, self._stock.take(kind, studies * kind.study_size))

    async def at(self, size: int, plans: list[Plan]) -> dict[str, dict[str, Figures]]:
        """Fill the stores to a size and measure."""
        await self._fill(SMALL, missing(self._stock, size))
        for peer, _ in self._servers:
            await peer.settle()
        report.head(self._stock.instances)
        results = {}
        for plan in plans:
            results[plan.name] = await self._measured(plan)
            report.row(plan.name, results[plan.name])
        return results

    async def _fill(self, kind: Kind, numbers: range) -> None:
        if numbers:
            await fill([(peer.name, operations) for peer, operations in self._servers], kind, numbers)
            self._stock.keep()

    async def _measured(self, plan: Plan) -> dict[str, Figures]:
        prepared = plan.prepare(self._stock, self._bare, plan.load)
        contenders = [
            Contender(peer.name, prepared.of(server), peer.pids, peer.settle if plan.stores else None)
            for peer, server in self._servers
        ]
        contenders.append(Contender("bare", prepared.bare, {"azurite": self._peers.azurite_pid}))
        figures = await measure(contenders, plan.load)
        self._stock.keep()
        return figures


async def run(options: argparse.Namespace, folder: Path) -> None:
    """Start all on *folder*, measure at every size, stop all."""
    plans = [plan for plan in PLANS if options.only in plan.name]
    if options.quick:
        plans = [plan.quick() for plan in plans]
    async with AsyncExitStack() as stack:
        peers = await stack.enter_async_context(
            running_peers(folder, lambda app: app.command(), with_orthanc=not options.without_orthanc)
        )
        bare = await stack.enter_async_context(bare_operations(peers.connection_string))
        bench = Bench(peers, bare, Stock.of(folder), stack)
        await bench.open()
        results = {}
        for size in sorted(map(int, options.instances.split(","))):
            results[size] = await bench.at(size, plans)
    report.conclusions(results)
    if options.json:
        named = {
            size: {
                name: {peer: dataclasses.asdict(one) for peer, one in row.items()}
                for name, row in rows.items()
            }
            for size, rows in results.items()
        }
        options.json.write_text(json.dumps(named, indent=1))


def main() -> int:
    """Run from the command line and return the exit code."""
    options = _options()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(run(options, folder))
    if options.without_header or options.only:
        return 0
    print("\nheader to DICOM JSON, beside pydicom:")
    return subprocess.run([sys.executable, "bench/header_json.py"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
