"""`python -m bench`: this archive, Orthanc and bare storage, side by side in one run.

What counts are the ratios and the CPU milliseconds; wall-clock varies with the machine. Run it on an idle one.
"""

import argparse
import asyncio
import dataclasses
import io
import json
import signal
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from bench import report
from bench.bare_operations import bare_operations
from bench.filling import Stock
from bench.peers import running_peers
from bench.plans import PLANS
from bench.profiles import Profiles
from bench.run import Run

_LEAST_SIZE = 1000
"""Every store has some studies of a hundred and some large instances, and a page of ordinary ones beside them."""


def _sizes(text: str) -> list[int]:
    sizes = sorted(int(word) for word in text.split(","))
    if sizes[0] < _LEAST_SIZE:
        raise argparse.ArgumentTypeError(f"a store has {_LEAST_SIZE} instances at least, not {sizes[0]}")
    return sizes


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--instances",
        type=_sizes,
        default="5000,50000",
        help="sizes of the store at which to measure, 1000 at least (%(default)s)",
    )
    parser.add_argument("--only", default="", help="measure operations only whose name contains this")
    parser.add_argument("--quick", action="store_true", help="a fifth of the work, for development")
    parser.add_argument("--without-orthanc", action="store_true", help="leave Orthanc out")
    parser.add_argument(
        "--data",
        type=Path,
        help="keep the filled stores in this folder and use them again; for small ones, see CONTRIBUTING.md",
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--profile", type=Path, help="write where the app's CPU time goes to this folder")
    parser.add_argument("--without-header", action="store_true", help="leave out the reading of headers")
    return parser.parse_args()


async def bench(options: argparse.Namespace, folder: Path) -> None:
    """Start all on *folder*, measure at every size, stop all."""
    plans = [plan for plan in PLANS if options.only in plan.name]
    if options.quick:
        plans = [plan.quick() for plan in plans]
    profiles = Profiles(options.profile)
    this = asyncio.current_task()
    if this is not None:
        # What was started is stopped then too.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    async with AsyncExitStack() as stack:
        peers = await stack.enter_async_context(
            running_peers(
                folder,
                profiles.command,
                with_orthanc=not options.without_orthanc,
                in_memory=options.data is None,
            )
        )
        bare = await stack.enter_async_context(bare_operations(peers.connection_string))
        run = Run(peers, bare, Stock.of(folder), profiles)
        await run.open(stack)
        results = {}
        for size in options.instances:
            results[size] = await run.at(size, plans)
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
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            line_buffering=True
        )  # a run takes long, and its output is often sent to a file
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            asyncio.run(bench(options, folder))
        except asyncio.CancelledError:
            return 130
    if options.without_header or options.only:
        return 0
    print("\nheader to DICOM JSON, beside pydicom:")
    header = subprocess.run([sys.executable, "bench/header_json.py"], check=False).returncode
    print("\nimporting the app, beside what it stands on:")
    header = subprocess.run([sys.executable, "bench/import_time.py"], check=False).returncode or header
    print("\nde-identifying, beside pydicom:")
    deidentified = subprocess.run([sys.executable, "bench/deidentification.py"], check=False).returncode
    print("\nthe same app with its objects on SeaweedFS and on Azurite:")
    stores = [sys.executable, "-m", "bench.s3_store", *(["--quick"] if options.quick else [])]
    on_s3 = subprocess.run(stores, check=False).returncode
    print("\nimporting from Orthanc, beside the forerunner's way:")
    importing = [sys.executable, "-m", "bench.importing", *(["--quick"] if options.quick else [])]
    on_s3 = subprocess.run(importing, check=False).returncode or on_s3
    print("\nthe search index, on what stands in for Elasticsearch:")
    searching = [sys.executable, "bench/search_index.py", *(["--quick"] if options.quick else [])]
    return header or deidentified or on_s3 or subprocess.run(searching, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
