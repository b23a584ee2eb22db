"""The command `deidentify`: de-identify files into a folder, or what an archive holds into another place of it."""

import argparse
import json
import re
import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from client.archive_server import ArchiveServer, Parameters
from client.errors import ClientError, RefusedError
from client.progress import Progress
from client.saving import check_free, write_whole
from client.subject import add_subject, partition_parameter, path_below

PARTLY: Final = 3
_POLL_SECONDS: Final = 1
_NAME: Final = re.compile(r'filename="([0-9.]{1,64}\.dcm)"')
_CASE: Final = re.compile(r"([^/]+)/([^/]+)")
_JOB: Final = re.compile(r"[0-9a-f]{32}")
_EPILOG: Final = """\
Files are sent to the archive, which keeps nothing of them, and come back into the folder of -o, each named by its new UID.
What the archive holds (--study, --case) is de-identified by a job of the archive, into --to-partition or --to-container;
-o is then the file for its report. With --dry-run nothing is written but reports: tag path, rule and action, no value.
The variable DICOM_FUNCTIONS_KEY holds a function key, where one is needed.
exit codes: 0 all done; 1 failed, the message says why; 2 the command line makes no sense; 3 some were refused, the rest
is done: the messages, or the job's report, say which and why."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's commands."""
    parser = commands.add_parser(
        "deidentify",
        help="de-identify files, or what the archive holds",
        description="De-identify by the profiles of PS3.15 Annex E.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_subject(parser)
    parser.add_argument("--case", metavar="YEAR/ID", help="a clinical case of the archive")
    parser.add_argument(
        "--options", metavar="NAMES", help="option columns, such as retain_uids,clean_graphics"
    )
    parser.add_argument("--filter", metavar="NAMES", help="FILTER_PRIVATE, FILTER_HIPAA, FILTER_GDPR")
    parser.add_argument(
        "--pseudonyms",
        choices=("keyed", "random"),
        help="of the archive's secret (default), or of a key that is thrown away: for each file, or each job",
    )
    parser.add_argument(
        "--pixels", choices=("mask", "devices", "keep", "refuse"), help="about text in pixels"
    )
    parser.add_argument(
        "--mask",
        metavar="LEFT,TOP,RIGHT,BOTTOM",
        action="append",
        default=[],
        help="blank it out; repeatable",
    )
    parser.add_argument("--to-partition", metavar="NAME", help="of the archive, for a job's output")
    parser.add_argument("--to-container", metavar="NAME", help="of the store, for a job's output")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--no-wait", action="store_true", help="begin a job, print its path, and go")
    parser.add_argument("-o", "--save", metavar="PATH", type=Path, help="folder for files; file for a report")
    parser.set_defaults(command=_command)


def _command(options: argparse.Namespace) -> int:
    path = path_below(options)
    if options.case is not None:
        found = _CASE.fullmatch(options.case)
        if found is None or path or options.files:
            raise ClientError("name files, a study or a case as YEAR/ID, one of them")
        path = f"/cases/{quote(found[1], safe='')}/{quote(found[2], safe='')}"
    if bool(path) == bool(options.files):
        raise ClientError("name files, a study by --study, or a case by --case")
    server = ArchiveServer(options.url)
    if path:
        return _by_job(server, path, options)
    if options.save is None:
        raise ClientError("name a folder for the files with -o")
    return _files(server, options)


def _parameters(options: argparse.Namespace) -> list[tuple[str, str]]:
    named = [(name, getattr(options, name)) for name in ("options", "filter", "pseudonyms", "pixels")]
    parameters = [(name, value) for name, value in named if value is not None]
    parameters += [("mask", rectangle) for rectangle in options.mask]
    return [*parameters, ("dryRun", "true")] if options.dry_run else parameters


def _files(server: ArchiveServer, options: argparse.Namespace) -> int:
    parameters = _parameters(options)
    progress = Progress("de-identifying", len(options.files), sys.stdout)
    refused = 0
    for number, file in enumerate(options.files, 1):
        try:
            _file(server, file, number, parameters, options)
        except RefusedError as error:
            # Names of files may be names of patients, so they are told by their place on the command line.
            print(f"file {number}: {error}", file=sys.stderr)
            refused += 1
        progress.show(number)
    print(f"saved {len(options.files) - refused} files in {options.save}; {refused} refused")
    return PARTLY if refused else 0


def _file(
    server: ArchiveServer, file: Path, number: int, parameters: Parameters, options: argparse.Namespace
) -> None:
    answer = server.send_file("/deidentify", file, parameters)
    if options.dry_run:
        name = f"{number}.json"
    else:
        found = _NAME.search(answer.headers.get("Content-Disposition", ""))
        if found is None:
            raise ClientError(f"{server.url} answered no file; is it the archive's root?")
        name = found[1]
    target = options.save / name
    check_free(target, force=options.force)
    write_whole(target, answer.content)


def _by_job(server: ArchiveServer, path: str, options: argparse.Namespace) -> int:
    if options.save is not None:
        check_free(options.save, force=options.force)
    parameters = [*_parameters(options), *partition_parameter(options)]
    for name, value in (("toPartition", options.to_partition), ("toContainer", options.to_container)):
        parameters += [(name, value)] if value else []
    begun = server.json(f"/deidentify{path}", parameters, method="POST")
    job = str(begun.get("job"))
    if _JOB.fullmatch(job) is None:
        raise ClientError(f"{server.url} began no job; is it the archive's root?")
    if options.no_wait:
        print(f"/deidentify/jobs/{job}")
        return 0
    told = _finished(server, job)
    if options.save is not None:
        write_whole(options.save, json.dumps(told, indent=2).encode())
    print(f"{told['done']} done, {told['failed']} refused")
    return PARTLY if told["failed"] else 0


def _finished(server: ArchiveServer, job: str) -> dict[str, Any]:
    """Wait for a job and return what became of it."""
    progress: Progress | None = None
    while True:
        told = server.json(f"/deidentify/jobs/{job}")
        progress = progress or Progress("de-identifying", int(told["instances"]), sys.stdout)
        progress.show(int(told["done"]) + int(told["failed"]))
        if told["status"] == "done":
            return told
        time.sleep(_POLL_SECONDS)
