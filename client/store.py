"""The command `store`: put files into an archive under keys of one's choice. It prints keys that are given or file names."""

import argparse
import sys
from pathlib import Path
from typing import Final

from client.archive_server import DEFAULT_URL, ArchiveServer
from client.errors import ClientError, RefusedError

SOME_REFUSED: Final = 3
_EPILOG: Final = """\
Each file is stored as it is under PREFIX/NAME, or a single one under --key, in a container that the archive watches.
Where there is an object of that key it is refused, unless --overwrite is given.
The ids of what was stored are printed, which are UIDs; a file that is refused is told by its number, not by its name.
The variable DICOM_FUNCTIONS_KEY holds a function key, where one is needed.
exit codes: 0 all stored; 1 failed, the message says why; 2 the command line makes no sense; 3 some were refused."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's commands."""
    parser = commands.add_parser(
        "store",
        help="store files under keys of your choice",
        description="Store DICOM files in an archive, each under a key of your choice.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("files", metavar="FILE", nargs="+", type=Path, help="DICOM file")
    add("--key", metavar="KEY", help="object key, of a single file")
    add("--prefix", metavar="PREFIX", default="", help="what stands before the files' names, and a slash")
    add("--bucket", metavar="NAME", help="container (default the archive's own for keys)")
    add("--content-type", metavar="TYPE", help="media type of the objects (default as the archive is set)")
    add("--overwrite", action="store_true", help="replace objects that are there")
    add("--url", default=DEFAULT_URL, help=f"of the archive (default {DEFAULT_URL})")
    parser.set_defaults(command=_command)


def _command(options: argparse.Namespace) -> int:
    if options.key is not None and (len(options.files) > 1 or options.prefix):
        raise ClientError("--key names one object: give one file, and no --prefix")
    server = ArchiveServer(options.url)
    refused = 0
    for number, file in enumerate(options.files, 1):
        try:
            told = server.object_of(
                server.send_file("/search/file", file, _parameters(options, file), method="PUT")
            )
        except RefusedError as error:
            refused += 1
            print(f"file {number} of {len(options.files)}: {error}", file=sys.stderr)
            continue
        print(told.get("id") or "stored, and not indexed yet")
    return SOME_REFUSED if refused else 0


def _parameters(options: argparse.Namespace, file: Path) -> list[tuple[str, str]]:
    prefix = f"{options.prefix.strip('/')}/" if options.prefix.strip("/") else ""
    parameters = [("object_key", options.key or prefix + file.name)]
    if options.bucket is not None:
        parameters.append(("bucket", options.bucket))
    if options.content_type is not None:
        parameters.append(("content_type", options.content_type))
    if options.overwrite:
        parameters.append(("allow_overwrite", "true"))
    return parameters
