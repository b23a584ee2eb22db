"""The host as a process of its own, for tests: started on a written app, watched, stopped or killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 40.0


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
    """Wait until a condition gives something true and return it; fail, saying what was awaited."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"after {seconds:.0f} s still not: {what}")


def write_app(folder: Path, source: str, host_json: dict[str, Any] | None = None) -> Path:
    """Write an app's files and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "function_app.py").write_text(source)
    (folder / "host.json").write_text(json.dumps({"version": "2.0", **(host_json or {})}))
    return folder


class RunningHost:
    """One process of `python -m localhost`, its files beside the app's folder."""

    def __init__(self, app: Path, *arguments: str, settings: dict[str, str] | None = None) -> None:
        self.log = app.parent / f"host-{time.monotonic_ns()}.log"
        self.events = app.parent / "events.jsonl"
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(app.parent),
            "EVENTS": str(self.events),
            **(settings or {}),
        }
        command = [sys.executable, "-m", "localhost", "--app", str(app), "--port", "0", *arguments]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=output)
        self.url = ""

    def ready(self) -> RunningHost:
        """Wait until it serves."""

        def look() -> str | None:
            if self.process.poll() is not None:
                raise AssertionError(f"the host ended with {self.process.returncode}:\n{self.text()}")
            lines = [line for line in self.text().splitlines() if line.startswith("localhost: ready http://")]
            return lines[0].split()[-1] if lines else None

        self.url = wait_for(look, "ready", START_SECONDS)
        return self

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.url.rsplit(":", 1)[1])

    def text(self) -> str:
        """Return all it has written."""
        return self.log.read_text(errors="replace")

    def seen(self) -> list[dict[str, Any]]:
        """Return the events that the app's functions noted."""
        if not self.events.exists():
            return []
        return [json.loads(line) for line in self.events.read_text().splitlines() if line.endswith("}")]

    def rss(self) -> int:
        """Return its resident memory in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024

    def exit_code(self, seconds: float = START_SECONDS) -> int:
        """Wait for its end."""
        return self.process.wait(seconds)

    def stop(self) -> int:
        """Ask it to stop as a terminal or a supervisor does; it has five seconds."""
        self.process.terminate()
        return self.exit_code(5.0)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self.process.kill()
        self.process.wait(5.0)
