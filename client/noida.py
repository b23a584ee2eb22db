"""noida-db, which stands in for Elasticsearch on this machine: how it is started and reached. For tests and demos.

It is no Elasticsearch: it looks at every document for every search, and a kill can lose what it has just taken. What
is lost so is found by the next build of the index.
"""

import asyncio
import importlib.util
import stat
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from client.errors import ClientError


@dataclass(frozen=True, slots=True)
class NoidaDb:
    """One noida-db at a port of loopback, as Elasticsearch only."""

    port: int

    @property
    def url(self) -> str:
        """Name the address at which it answers as Elasticsearch does."""
        return f"http://127.0.0.1:{self.port}"

    def command(self, folder: Path) -> list[str]:
        """Say how it is started on data in *folder*.

        Raises:
            ClientError: It is not installed.
        """
        # Not the program in the environment's folder: a signal ends that one and leaves the server behind.
        found = importlib.util.find_spec("noida_db")
        if found is None or found.origin is None:
            raise ClientError("noida-db is not installed; `make run SEARCH=1` installs it")
        program = Path(found.origin).parent / "noida-db"
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        words = ["start", "--only", "elasticsearch", "--elasticsearch-port", str(self.port)]
        return [str(program), *words, "--data-dir", str(folder), "--host", "127.0.0.1"]

    def settings(self) -> dict[str, str]:
        """Say how the app is told to search here."""
        return {"DICOM_ELASTICSEARCH_URL": self.url}

    async def answering(self) -> None:
        """Wait until it answers."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while True:
                try:
                    async with session.get(self.url) as response:
                        if response.status == 200:
                            return
                except (aiohttp.ClientError, TimeoutError):
                    pass  # not listening yet
                await asyncio.sleep(0.1)
