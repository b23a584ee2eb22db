"""The command `describe`: save every attribute of a file or instance as JSON. It prints none of them."""

import argparse
import json
from pathlib import Path
from typing import Final

from client.archive_server import ArchiveServer
from client.errors import ClientError
from client.saving import check_free, write_whole
from client.subject import add_subject, partition_parameter, path_below

_SCHEMES: Final = ("human", "numeric", "keyword")
_EPILOG: Final = """\
The attributes hold what the file says of its patient, so they are saved, never shown: without -o their number is told.
The variable DICOM_FUNCTIONS_KEY holds a function key, where one is needed.
exit codes: 0 done; 1 failed, the message says why; 2 the command line makes no sense."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's commands."""
    parser = commands.add_parser(
        "describe",
        help="save every attribute of a file or instance",
        description="Describe one file, or one instance of the archive.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_subject(parser)
    parser.add_argument(
        "--keys", choices=_SCHEMES, default="human", help="how attributes are called (default human)"
    )
    parser.add_argument("-o", "--save", metavar="FILE", type=Path, help="JSON file for the attributes")
    parser.set_defaults(command=_command)


def _command(options: argparse.Namespace) -> int:
    path = path_below(options)
    if len(options.files) + bool(path) != 1 or (path and options.instance is None):
        raise ClientError("name one file, or one instance by --study, --series and --instance")
    if options.save is not None:
        check_free(options.save, force=options.force)
    server = ArchiveServer(options.url)
    parameters = [("keys", options.keys), *partition_parameter(options)]
    if path:
        described = server.json(f"/describe{path}", parameters)
    else:
        described = server.object_of(server.send_file("/describe", options.files[0], parameters))
    if options.save is None:
        print(f"{len(described.get('attributes', []))} attributes; save them with -o FILE")
        return 0
    write_whole(options.save, json.dumps(described, indent=2, ensure_ascii=False).encode())
    print(f"saved in {options.save}")
    return 0
