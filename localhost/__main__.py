"""Runs the host from the command line: `python -m localhost --app DIR`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from localhost.errors import StartError
from localhost.host import Host
from localhost.logs import configure_logging
from localhost.options import parse_options


def main() -> int:
    """Run the host and return the process's exit code: 0 after a stop, 1 when it could not start."""
    options = parse_options()
    configure_logging(options.log_level)
    try:
        asyncio.run(Host(options).run())
    except StartError as error:
        print(f"localhost: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    logging.shutdown()
    # A function that still runs in a thread would hold the process for as long as it likes.
    os._exit(code)
