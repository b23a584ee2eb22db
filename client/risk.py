"""The command `risk`: say how plainly files, instances, studies or a whole collection tell who their patients are."""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

from client.archive_server import ArchiveServer
from client.errors import ClientError, RefusedError
from client.progress import Progress
from client.saving import check_free, write_whole
from client.subject import add_subject, partition_parameter, path_below

REACHED: Final = 3
_LEVELS: Final = ("none", "low", "medium", "high")
_EPILOG: Final = """\
With neither files nor UIDs every study of the archive is listed. Reports hold tag paths, levels and reasons, never a value.
The variable DICOM_FUNCTIONS_KEY holds a function key, where one is needed.
exit codes: 0 done; 1 failed, or a file could not be judged, the message says why; 2 the command line makes no sense;
3 something is of the level that --fail-at names, or above."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's commands."""
    parser = commands.add_parser(
        "risk",
        help="say how plainly files tell who their patients are",
        description="Assess the risk of files, an instance, a study, or all studies.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_subject(parser)
    parser.add_argument("--level", choices=_LEVELS, default="none", help="of a collection: the least to list")
    parser.add_argument("--fail-at", choices=_LEVELS[1:], help="exit with 3 from this level on")
    parser.add_argument("-o", "--save", metavar="FILE", type=Path, help="JSON file for the reports")
    parser.set_defaults(command=_command)


def _command(options: argparse.Namespace) -> int:
    path = path_below(options)
    if path and options.series is not None and options.instance is None:
        raise ClientError("the risk of a series is not kept; name its study, or one instance")
    if options.save is not None:
        check_free(options.save, force=options.force)
    server = ArchiveServer(options.url)
    reports = _of_files(server, options) if options.files else _of_archive(server, path, options)
    counts = Counter(str(report["level"]) for report in reports if "level" in report)
    failed = sum(1 for report in reports if "error" in report)
    print(", ".join(f"{counts[level]} {level}" for level in reversed(_LEVELS)))
    if options.save is not None:
        write_whole(options.save, json.dumps(reports, indent=2).encode())
        print(f"saved in {options.save}")
    if failed:
        raise ClientError(f"{failed} of {len(reports)} files could not be judged")
    if options.fail_at and any(counts[level] for level in _LEVELS[_LEVELS.index(options.fail_at) :]):
        return REACHED
    return 0


def _of_files(server: ArchiveServer, options: argparse.Namespace) -> list[dict[str, Any]]:
    reports: list[dict[str, Any]] = []
    progress = Progress("assessing", len(options.files), sys.stdout)
    for number, file in enumerate(options.files, 1):
        try:
            report = server.object_of(server.send_file("/risk", file))
        except RefusedError as error:
            # Names of files may be names of patients: they stand in the report only.
            print(f"file {number}: {error}", file=sys.stderr)
            report = {"error": str(error)}
        reports.append({"file": str(file), **report})
        progress.show(number)
    return reports


def _of_archive(server: ArchiveServer, path: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    partition = partition_parameter(options)
    if path:
        return [server.json(f"/risk{path}", partition)]
    reports: list[dict[str, Any]] = []
    following: list[tuple[str, str]] = []
    while True:
        page = server.json("/risk", [("level", options.level), *partition, *following])
        reports += page["studies"]
        if not page["next_after"]:
            return reports
        following = [("after", str(page["next_after"]))]
