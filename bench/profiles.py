"""Where the app's CPU time goes in each operation; how it is sampled is in `profiled.py`."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

from client.app import App

_PAUSE = 0.05
_WAITS = 400


class Profiles:
    """Writes a profile of each operation to a folder, or does nothing where there is none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def command(self, app: App) -> list[str]:
        """Say how the app is started."""
        command = app.command()
        if self._folder is None:
            return command
        if command[:2] != [sys.executable, "-m"]:
            sys.exit("only the local host can be profiled: Core Tools run Python in a process of their own")
        return [sys.executable, "-m", "bench.profiled", str(self._latest), *command[2:]]

    async def begin(self, pid: int) -> None:
        """Forget what the app has done so far."""
        await self._write(pid)

    async def end(self, pid: int, name: str) -> None:
        """Write what it has done since."""
        await self._write(pid)
        if self._folder is not None:
            self._latest.rename(self._folder / (re.sub(r"[^A-Za-z0-9]+", "-", name) + ".txt"))

    @property
    def _latest(self) -> Path:
        return (self._folder or Path()).resolve() / "latest.txt"

    async def _write(self, pid: int) -> None:
        if self._folder is None:
            return
        self._latest.unlink(missing_ok=True)
        os.kill(pid, signal.SIGUSR1)
        for _ in range(_WAITS):
            if self._latest.exists():
                return
            await asyncio.sleep(_PAUSE)
        raise TimeoutError("the app wrote no profile; its log may say why")
