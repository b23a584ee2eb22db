"""Orthanc as a peer: Debian's build, its default index, the DICOMweb plugin, on loopback; it measures nothing."""

import asyncio
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import aiohttp

_PROGRAMS = ("Orthanc", "/usr/sbin/Orthanc")
_PLUGINS = (
    "/usr/share/orthanc/plugins/libOrthancDicomWeb.so",
    "/usr/lib/orthanc/libOrthancDicomWeb.so",
)


class OrthancMissingError(Exception):
    """Orthanc or its DICOMweb plugin is not installed."""


@dataclass(frozen=True, slots=True)
class Orthanc:
    """One Orthanc on loopback, with all it stores in one folder."""

    port: int
    folder: Path

    @property
    def root(self) -> str:
        """The root of its DICOMweb resources."""
        return f"http://127.0.0.1:{self.port}/dicom-web"

    @property
    def least(self) -> str:
        """A resource that needs neither index nor storage."""
        return f"http://127.0.0.1:{self.port}/tools/now"

    def command(self) -> list[str]:
        """Write the configuration and say how Orthanc is started with it.

        Raises:
            OrthancMissingError: A part of it is not installed.
        """
        program = next((found for name in _PROGRAMS if (found := shutil.which(name))), None)
        plugin = next((path for path in _PLUGINS if Path(path).exists()), None)
        if program is None or plugin is None:
            missing = "its DICOMweb plugin" if program else "Orthanc"
            raise OrthancMissingError(f"{missing} is not installed: apt-get install orthanc orthanc-dicomweb")
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "Name": "bench",
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "HttpPort": self.port,
            "DicomServerEnabled": False,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "Plugins": [plugin],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        path = self.folder / "orthanc.json"
        path.write_text(json.dumps(settings, indent=2))
        return [program, str(path)]

    async def answering(self) -> str:
        """Wait until it answers, and return its version."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/system") as response:
                        if response.status == 200:
                            return str((await response.json(content_type=None))["Version"])
                except (aiohttp.ClientError, TimeoutError):
                    pass  # not listening yet
                await asyncio.sleep(0.1)
