"""The Functions app on this machine: what hosts it, what it is told, and whether it is up; it starts nothing."""

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from client.viewer.site import BASE_PATH

FOLDER = Path(__file__).parent.parent
VIEWER_FOLDER = FOLDER / ".tools" / "viewer" / "site"

LOCAL_SETTINGS = {
    "FUNCTIONS_WORKER_RUNTIME": "python",
    # The host's default refuses bodies over 100 MB, and a study is often larger.
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "4294967296",
    "DICOM_ACCESS": "anonymous",
    "DICOM_BLOB_EVENTS": "scan",
    "DICOM_WATCHED_CONTAINERS": "images",
}
STORAGE_SETTINGS = ("AzureWebJobsStorage", "DicomStorage")
AZURE_STORE = {"DICOM_OBJECT_STORE": "azure"}
_STORES_ELSEWHERE = ("DICOM_OBJECT_STORE", "DICOM_S3_", "DICOM_ELASTICSEARCH_", "DICOM_CONFIG_FILE")


@dataclass(frozen=True, slots=True)
class App:
    """The app at one port of loopback, with its data in one folder."""

    port: int
    data_folder: Path
    viewer_folder: Path = VIEWER_FOLDER

    @property
    def url(self) -> str:
        """Name the address of the app, without a final slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def host_id(self) -> str:
        """Name receipts and timers in storage: the same after a restart, another for other data."""
        return "dicom-" + hashlib.sha256(str(self.data_folder.resolve()).encode()).hexdigest()[:16]

    @property
    def has_viewer(self) -> bool:
        """Tell whether the viewer is served: it is installed, and the host can serve folders. Core Tools cannot."""
        return shutil.which("func") is None and (self.viewer_folder / "index.html").is_file()

    def command(self) -> list[str]:
        """Say how the app is started: by Core Tools where they are installed, else by `localhost`."""
        core_tools = shutil.which("func")
        if core_tools:
            return [core_tools, "start", "--port", str(self.port)]
        words = [
            "--app",
            str(FOLDER),
            "--port",
            str(self.port),
            "--host-id",
            self.host_id,
            "--scan-interval",
            "1",
        ]
        if self.has_viewer:
            words += ["--static", f"{BASE_PATH.rstrip('/')}={self.viewer_folder}"]
        return [sys.executable, "-m", "localhost", *words]

    def environment(
        self,
        surroundings: Mapping[str, str],
        connection_string: str,
        object_store: Mapping[str, str] = AZURE_STORE,
    ) -> dict[str, str]:
        """Say what the app finds in its environment.

        A setting that is already in the surroundings stays, except where the data lie: a local run never writes to an
        account or bucket that some variable names.

        Args:
            surroundings: The variables of this process.
            connection_string: Of the storage account.
            object_store: Settings of the store of the objects, and of the search.
        """
        programs = os.pathsep.join([str(Path(sys.executable).parent), surroundings.get("PATH", os.defpath)])
        viewer = {"DICOM_VIEWER_URL": BASE_PATH} if self.has_viewer else {}
        elsewhere = (*(f"{setting}__" for setting in STORAGE_SETTINGS), *_STORES_ELSEWHERE)
        return {
            **LOCAL_SETTINGS,
            **viewer,
            **{name: value for name, value in surroundings.items() if not name.startswith(elsewhere)},
            **dict.fromkeys(STORAGE_SETTINGS, connection_string),
            **object_store,
            "AzureFunctionsWebHost__hostid": self.host_id,
            # Core Tools take the first Python on the path.
            "PATH": programs,
            "VIRTUAL_ENV": sys.prefix,
        }

    async def healthy(self) -> None:
        """Wait until GET /health answers 200."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            while True:
                try:
                    async with session.get(f"{self.url}/health") as response:
                        if response.status == 200:
                            return
                except (aiohttp.ClientError, TimeoutError):
                    pass  # not listening yet
                await asyncio.sleep(0.1)
