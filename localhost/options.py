"""The command line; it only parses, it reads no file."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

DESCRIPTION = """\
Run a Python Azure Functions app (v2 programming model) on this machine.

This is NOT Azure Functions Core Tools. It drives Microsoft's own Python worker library
(azure-functions-runtime) and plays the part of the host around it: HTTP routes, storage
queue, blob (container scan) and timer triggers, queue outputs, a static folder."""

EPILOG = """\
What running under this host does not prove:
  - keys and authLevel (ignored here), managed identity, networking, scaling, cold start;
  - limits of Azure in front of the app (230 s to the first byte, instance memory, concurrency);
  - host.json beyond extensions.http, extensions.queues and extensions.blobs;
  - Event Grid and every trigger or binding not named above (refused at start);
  - a behaviour of Core Tools or of the Functions host that this program does not copy.
Run one instance per host id and storage account: receipts and timer status are not locked.
Deploy to a test slot before you trust it."""


@dataclass(frozen=True)
class Options:
    """What the command line asked for; paths are absolute, durations are in seconds."""

    app: Path
    host: str = "127.0.0.1"
    port: int = 7071
    settings: Path | None = None
    host_id: str | None = None
    lease: float = 600.0
    scan_interval: float = 10.0
    static: tuple[tuple[str, Path], ...] = ()
    log_level: str = "INFO"


def _static_mount(text: str) -> tuple[str, Path]:
    url_path, separator, folder = text.partition("=")
    if not separator or not url_path.startswith("/"):
        raise argparse.ArgumentTypeError(f"{text!r}: write /URLPATH=FOLDER")
    directory = Path(folder).resolve()
    if not directory.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r}: {directory} is no folder")
    return "/" + url_path.strip("/"), directory


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 7 * 24 * 3600:
        raise argparse.ArgumentTypeError(f"{text}: give seconds, more than 0 and at most seven days")
    return value


def _lease(text: str) -> float:
    value = _seconds(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: storage counts a lease in whole seconds, at least 1")
    return value


def _folder(text: str) -> Path:
    directory = Path(text).resolve()
    if not directory.is_dir():
        raise argparse.ArgumentTypeError(f"{directory} is no folder")
    return directory


def parse_options(arguments: list[str] | None = None) -> Options:
    """Parse the command line.

    Args:
        arguments: Words after the program's name; those of the process when None.

    Raises:
        SystemExit: The words make no sense (code 2), or help was asked for (code 0).
    """
    parser = argparse.ArgumentParser(
        prog="python -m localhost",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--app", type=_folder, default=Path.cwd(), help="folder of function_app.py (default: current folder)")
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine only)")
    add("--port", type=int, default=7071, help="port to listen on, 0 for any free one (default: %(default)s)")
    add("--settings", type=Path, help="local settings (default: local.settings.json in the app's folder)")
    add("--host-id", help="names receipts and timers in storage (default: from the folder's name and path)")
    add(
        "--lease",
        type=_lease,
        default=600.0,
        metavar="SECONDS",
        help="lease of a queue message, renewed at half (default: 600)",
    )
    add(
        "--scan-interval",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="pause between blob scans (default: 10)",
    )
    add(
        "--static",
        type=_static_mount,
        action="append",
        default=[],
        metavar="PATH=DIR",
        help="serve a folder; may be repeated",
    )
    add(
        "--log-level",
        default="INFO",
        type=str.upper,
        choices=["DEBUG", "INFO", "WARNING", "ERROR"],
        help="default: INFO",
    )
    found = vars(parser.parse_args(arguments))
    found["static"] = tuple(found["static"])
    if found["settings"] is not None:
        found["settings"] = found["settings"].resolve()
    return Options(**found)
