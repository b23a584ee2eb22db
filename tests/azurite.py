"""Start Azurite for the tests that need a storage account. Does not install it."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
START_SECONDS = 60
_ENDPOINT = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (http://\S+)")
# Azurite's built-in account: the same on every machine, documented, and good for nothing else.
_ACCOUNT = "devstoreaccount1"
_ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class AzuriteError(RuntimeError):
    """Azurite is missing or does not start."""


def azurite_binary() -> Path:
    """Return the program to run: AZURITE_BIN, else the one under `.tools`; AzuriteError if it is missing."""
    binary = Path(os.environ.get("AZURITE_BIN", REPOSITORY / ".tools/node_modules/.bin/azurite"))
    if not binary.exists():
        raise AzuriteError(
            f"{binary} is missing: install Azurite by npm under .tools or set AZURITE_BIN to its path"
        )
    return binary


@contextmanager
def running_azurite(folder: Path, *, in_memory: bool = False) -> Iterator[str]:
    """Run blob, queue and table services on free loopback ports and yield their connection string.

    Args:
        folder: Where data and log go; it must exist.
        in_memory: Whether to keep the data in memory, for much of it: else all of it is written every few seconds.

    Raises:
        AzuriteError: It is missing, or did not listen within START_SECONDS.
    """
    log = folder / "azurite.log"
    # Port 0 lets the system choose, so that no other process can take a port between choosing and binding.
    command = [str(azurite_binary()), "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    command += ["--inMemoryPersistence"] if in_memory else ["--location", str(folder)]
    command += ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield _connection_string(_wait_for_endpoints(process, log))
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_endpoints(process: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        endpoints = dict(_ENDPOINT.findall(log.read_text()))
        if len(endpoints) == 3:
            return endpoints
        time.sleep(0.05)
    raise AzuriteError(f"Azurite did not listen within {START_SECONDS} s; it said: {log.read_text()[-2000:]}")


def _connection_string(endpoints: dict[str, str]) -> str:
    parts = [f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_ACCOUNT_KEY}"]
    parts += [f"{service}Endpoint={url}/{_ACCOUNT}" for service, url in endpoints.items()]
    return ";".join(parts) + ";"
