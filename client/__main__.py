"""The command line: `dicom-functions COMMAND`, or `python -m client COMMAND`; each command stands in a module of its own."""

import argparse
import importlib
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Final

from client.errors import ClientError

_COMMANDS: Final = (
    "start",
    "run",
    "case",
    "describe",
    "search",
    "store",
    "upload",
    "download",
    "check",
    "risk",
    "deidentify",
    "import_command",
    "conformance.command",
)
"""Modules, in the order of the help."""
_OF_THE_REPOSITORY: Final = ("start", "conformance.command")
"""These need what the app needs; where the client alone is installed they are left out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command.

    Args:
        arguments: Words after the program's name; those of the process when None.

    Returns:
        The exit code: 0 done, 1 failed with a message on stderr; a command may have further ones, which its help states.

    Raises:
        SystemExit: The words make no sense (code 2), or help was asked for (code 0).
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Whoever reads a pipe wants to know at once that the app is ready.
        sys.stdout.reconfigure(line_buffering=True)
    parser = argparse.ArgumentParser(
        prog="dicom-functions", description="Work with a dicom-functions archive."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in _modules():
        module.add_parser(commands)
    parsed = parser.parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return command(parsed)
    except ClientError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _modules() -> Iterator[ModuleType]:
    for name in _COMMANDS:
        try:
            yield importlib.import_module(f"client.{name}")
        except ModuleNotFoundError as error:
            if name not in _OF_THE_REPOSITORY or (error.name or "").startswith("client"):
                raise


if __name__ == "__main__":
    sys.exit(main())
