"""Compare importing the app with importing what it stands on, side by side in one run: what a cold start waits for.

Each import is in a process of its own, rounds interleaved; CPU time of the import alone is measured, without that of the
interpreter, and the median of the rounds counts.

    python bench/import_time.py [--rounds 9]
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
APP: Final = "function_app"
IMPORTS: Final = {
    APP: "import function_app",
    "azure-functions and its HTTP extension": "import azure.functions, azurefunctions.extensions.http.fastapi",
    "Azure's storage SDKs": "import azure.storage.blob.aio, azure.storage.queue.aio, azure.data.tables.aio, azure.identity.aio",
    "pydicom, numpy, boto3, elasticsearch": "import pydicom, numpy, boto3, elasticsearch",
}
_MEASURED: Final = "import time; begun = time.process_time(); {code}; print(time.process_time() - begun)"


def seconds_of(code: str) -> float:
    """Return how much CPU time *code* takes in a process of its own."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "DICOM_ACCESS": "anonymous",
        "DICOM_BLOB_EVENTS": "queue",
    }
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED.format(code=code)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def main() -> int:
    """Run from the command line and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    taken: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for code in IMPORTS.values():
        seconds_of(code)  # compiles what is not yet compiled, and warms the disk's cache
    for _ in range(rounds):
        for name, code in IMPORTS.items():
            taken[name].append(seconds_of(code))
    of_app = statistics.median(taken[APP])
    print(f"{'import':<42}{'CPU ms':>9}{'of the app':>12}")
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        print(f"{name:<42}{median * 1000:>9.0f}{median / of_app:>12.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
