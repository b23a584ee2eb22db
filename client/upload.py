"""The command `upload`: store the DICOM files of a folder, by STOW-RS or as one session. It prints nothing of a patient."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from client.dicomweb import LOGINS, DicomwebServer, add_server, open_session, sop_instance_uid
from client.errors import ClientError
from client.progress import Progress
from client.saving import write_whole
from client.stow import Outcome, in_batches, store
from client.upload_session import SessionUpload

_EPILOG: Final = f"""\
Files that are no DICOM files, and DICOMDIR, are left out. What is there already with the same bytes counts as there, so the
same command again changes nothing. With --session all of it is published at one moment, or nothing if one file cannot be.
--report FILE writes what became of each file, with its path.
exit codes: 0 all is stored; 1 a file is not; 2 the command line makes no sense.
{LOGINS}"""
_ALREADY_EXISTS: Final = 45070
_SHOWN: Final = 20


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's commands."""
    parser = commands.add_parser(
        "upload",
        help="store the DICOM files of a folder",
        description="Store the DICOM files of a folder and of those in it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("folder", metavar="DIR", type=Path)
    add("--session", action="store_true", help="past the app, and all or nothing")
    add("--report", metavar="FILE", type=Path, help="JSON of what became of each file")
    add("--batch-files", type=int, default=100, metavar="N", help="most files of a request (default 100)")
    add("--batch-mib", type=int, default=64, metavar="N", help="MiB after which a request ends (default 64)")
    add("--parallel", type=int, default=8, metavar="N", help="files of a session at a time (default 8)")
    add_server(parser)
    parser.set_defaults(command=_command)


def _command(options: argparse.Namespace) -> int:
    if not options.folder.is_dir():
        raise ClientError(f"{options.folder} is no folder")
    if min(options.batch_files, options.batch_mib, options.parallel) < 1:
        raise ClientError("--batch-files, --batch-mib and --parallel take numbers from 1")
    files, left_out = _files(options.folder)
    outcomes = _in_session(options, files) if options.session else _by_stow(options, files)
    told = Counter(outcome.state for outcome in outcomes)
    if options.report is not None:
        _report(options.report, options.folder, outcomes)
    print(
        f"{len(files)} files: {told['stored']} stored, {told['there']} there already, {told['failed']} failed, "
        f"{told['waiting']} not published; {left_out} left out"
    )
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    for outcome in failed[:_SHOWN]:
        print(f"failed: instance {outcome.instance or 'of unknown UID'}: {outcome.reason}", file=sys.stderr)
    return 1 if failed or told["waiting"] else 0


def _files(folder: Path) -> tuple[list[Path], int]:
    """Return the DICOM files below a folder, and how many others there are."""
    found, others = [], 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        if path.name != "DICOMDIR" and sop_instance_uid(path):
            found.append(path)
        else:
            others += 1
    return found, others


def _by_stow(options: argparse.Namespace, files: Sequence[Path]) -> list[Outcome]:
    server = DicomwebServer(options)
    progress = Progress("storing", max(len(files), 1), sys.stdout)
    outcomes: list[Outcome] = []
    for batch in in_batches(files, options.batch_files, options.batch_mib * 1024 * 1024):
        outcomes += store(server, batch)
        progress.show(len(outcomes))
    for outcome in outcomes:
        if outcome.code == _ALREADY_EXISTS:
            outcome.state = "there"
    return outcomes


def _in_session(options: argparse.Namespace, files: Sequence[Path]) -> list[Outcome]:
    if not files:
        return []
    upload = SessionUpload(options.url.rstrip("/"), open_session(options), options.parallel)
    progress = Progress("uploading", len(files), sys.stdout)
    return upload.run(files, progress.show)


def _report(target: Path, folder: Path, outcomes: Sequence[Outcome]) -> None:
    content = [
        {
            "file": str(outcome.file.relative_to(folder)),
            "instance": outcome.instance,
            "state": outcome.state,
            "code": outcome.code,
            "reason": outcome.reason,
        }
        for outcome in outcomes
    ]
    write_whole(target, json.dumps(content, indent=1).encode())
