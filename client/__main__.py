"""The command line: `python -m client COMMAND`; each command stands in a module of its own."""

import argparse
import io
import sys
from collections.abc import Callable, Sequence

from client import case, deidentify, describe, risk, run, search
from client.conformance import command as conformance
from client.errors import ClientError


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command.

    Args:
        arguments: Words after the program's name; those of the process when None.

    Returns:
        The exit code: 0 done, 1 failed with a message on stderr; a command may have further ones, which its help states.

    Raises:
        SystemExit: The words make no sense (code 2), or help was asked for (code 0).
    """
    parser = argparse.ArgumentParser(
        prog="python -m client", description="Work with a dicom-functions archive."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    run.add_parser(commands)
    case.add_parser(commands)
    describe.add_parser(commands)
    search.add_parser(commands)
    risk.add_parser(commands)
    deidentify.add_parser(commands)
    conformance.add_parser(commands)
    parsed = parser.parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return command(parsed)
    except ClientError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Whoever reads a pipe wants to know at once that the app is ready.
        sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
