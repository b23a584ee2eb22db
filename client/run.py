"""The command `run`: send the DICOM files of a folder to a partner, as the forerunner's script did, by an archive."""

import argparse
import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from client.archive_server import ArchiveServer
from client.dicom_files import NoFilesError, dicom_files
from client.errors import ClientError
from client.progress import Progress
from client.run_log import RunLog

SETTINGS, FILES, ARCHIVE, METADATA, UPLOAD, ANALYTICS = 3, 4, 5, 6, 7, 8
_CODES: Final = {"metadata": METADATA, "upload": UPLOAD, "analytics": ANALYTICS}
_POLL_SECONDS: Final = 0.5
_LONGEST_ID: Final = 60
"""Characters that leave room for the attempt in a PatientID, which has 64."""
_WORDS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_INSTANCE: Final = re.compile(r"/studies/([0-9.]{1,64})/series/([0-9.]{1,64})/instances/([0-9.]{1,64})$")
_EPILOG: Final = """\
The files go into an archive (the one of --url, or one of this run's own, which is started and stopped) and from there to the partner:
metadata are asked for, attributes set in copies, every file is sent, then the analysis is asked for. Your files stay as they are.
Without --url these must be set, in the environment or in .env: MD_URL, MD_KEY, U_URL, U_KEY, A_URL, A_KEY, LOG_LEVEL; with it, the
archive has them, and the variable DICOM_FUNCTIONS_KEY holds a function key, where one is needed.
A rerun sends only what is missing; for that the data of a run that failed stay in the temporary folder until one succeeds.
exit codes: 0 all is sent and the analysis asked for; 1 failed otherwise; 2 the command line makes no sense; 3 a variable is missing;
4 there is no DICOM file; 5 the archive did not start, or did not take a file; 6 the metadata phase failed; 7 the upload phase;
8 the analytics phase. Messages and the log say which file and status; they name no patient."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's commands."""
    parser = commands.add_parser(
        "run",
        help="send the DICOM files of a folder to a partner",
        description="Send the DICOM files of a folder to a partner, and ask for the analysis.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--sample_id", type=_sample_id, required=True, help="of the sample, as the partner knows it")
    add(
        "--max_retry",
        "--backoff_attempts",
        type=_number(0, 20),
        default=3,
        help="further tries of a request (default 3)",
    )
    add("--attempt_number", type=_number(1, 999), default=1, help="suffix of PatientID, from 1 (default 1)")
    add("--directory", type=Path, default=Path("data"), help="searched with all below it (default data)")
    add(
        "--console_logs",
        type=_boolean,
        nargs="?",
        const=True,
        default=False,
        help="show the log as well: True or False (default False)",
    )
    add(
        "--any_name", action="store_true", help="send files without .dcm too, if they begin as DICOM files do"
    )
    add("--atomic", action="store_true", help="send all in one ZIP, or nothing")
    add("--dry_run", action="store_true", help="ask for metadata and check every file; send nothing")
    add("--next_attempt", action="store_true", help="go on as the next attempt if the partner has a file")
    add("--several_patients", action="store_true", help="send the files though they are of several patients")
    add("--url", help="of a running archive; without it one is started for this run")
    add("--log_folder", type=Path, default=Path(), help="for the log (default: where you are)")
    parser.set_defaults(command=_command)


def _number(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a number, so that one out of bounds is refused before any file is touched."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"write a number from {least} to {most}")
        return int(text)

    return read


def _sample_id(text: str) -> str:
    if not text or text != text.strip() or len(text) > _LONGEST_ID or "\\" in text or not text.isprintable():
        raise argparse.ArgumentTypeError(
            f"a sample's id has 1 to {_LONGEST_ID} characters, none of them a backslash, and no spaces around it"
        )
    return text


def _boolean(text: str) -> bool:
    if text.lower() not in _WORDS:
        raise argparse.ArgumentTypeError(f"{text}: write True or False")
    return _WORDS[text.lower()]


def _command(options: argparse.Namespace) -> int:
    try:
        variables = {} if options.url else _variables()
    except ClientError as error:
        return _failed(None, str(error), SETTINGS)
    log = RunLog(options.log_folder, options.sample_id, options.attempt_number, console=options.console_logs)
    try:
        files = dicom_files(options.directory, any_name=options.any_name)
        log.say(f"{len(files)} files are to be sent")
        if options.url:
            return _send(options.url, files, log, options)
        from client.private_archive import data_folder, in_private_archive

        folder = data_folder(options.sample_id, variables["U_URL"])
        return in_private_archive(folder, variables, lambda url: _send(url, files, log, options))
    except NoFilesError as error:
        return _failed(log, str(error), FILES)
    except ClientError as error:
        return _failed(log, str(error), ARCHIVE)
    finally:
        log.close()
        print(f"log: {log.path}")


def _variables() -> dict[str, str]:
    try:
        from client.private_archive import partner_variables
    except ModuleNotFoundError:
        raise ClientError("no archive can be started here: name a running one with --url") from None
    return partner_variables(Path())


def _send(url: str, files: list[Path], log: RunLog, options: argparse.Namespace) -> int:
    server = ArchiveServer(url)
    instances = _stored(server, files)
    log.say(f"{len(instances)} instances are in the archive")
    begun = server.send_json(
        "/uploads",
        {
            "sample_id": options.sample_id,
            "attempt_number": options.attempt_number,
            "max_retry": options.max_retry,
            "atomic": options.atomic,
            "dry_run": options.dry_run,
            "several_patients": options.several_patients,
            "on_already_stored": "next_attempt" if options.next_attempt else "done",
            "instances": instances,
        },
    )
    while True:
        told = _ended(server, str(begun["job"]))
        log.add(server.text(f"/uploads/{told['job']}/log"))
        if not told.get("next"):
            break
        begun = {"job": told["next"]}
    if told["status"] != "done":
        return _failed(None, told["error"], _CODES.get(str(told.get("failedPhase")), 1))
    print(
        f"{told['done']} files are with the partner"
        if not options.dry_run
        else f"{told['done']} files are fit"
    )
    return 0


def _stored(server: ArchiveServer, files: list[Path]) -> list[list[str]]:
    """Put the files into the archive, a few at a time, and return which instances they are, in their order."""
    progress = Progress("into the archive", len(files), sys.stdout)
    instances: dict[tuple[str, ...], None] = {}
    with ThreadPoolExecutor(4) as threads:
        for number, uids in enumerate(
            threads.map(lambda file: _store(server, *file), enumerate(files, 1)), 1
        ):
            instances[uids] = None
            progress.show(number)
    return [list(uids) for uids in instances]


def _store(server: ArchiveServer, number: int, file: Path) -> tuple[str, ...]:
    try:
        answer = server.object_of(server.send_file("/dicomweb/studies", file))
        referenced = answer["00081199"]["Value"][0]["00081190"]["Value"][0]
        found = _INSTANCE.search(str(referenced))
    except (ClientError, KeyError, IndexError, TypeError) as error:
        # Names of files may be names of patients, so they are told by their place in the folder.
        why = str(error) if isinstance(error, ClientError) else "its answer names no instance"
        raise ClientError(f"the archive does not take file {number} of the folder: {why}") from None
    if found is None:
        raise ClientError(f"{server.url} answered no instance; is it the archive's root?")
    return found.groups()


def _ended(server: ArchiveServer, job: str) -> dict[str, Any]:
    progress: Progress | None = None
    shown = -1
    while True:
        told = server.json(f"/uploads/{job}")
        finished = int(told["done"]) + int(told["failed"])
        if int(told["files"]) and finished != shown:
            progress = progress or Progress("to the partner", int(told["files"]), sys.stdout)
            progress.show(finished)
            shown = finished
        if told["status"] in ("done", "failed"):
            return told
        time.sleep(_POLL_SECONDS)


def _failed(log: RunLog | None, text: str, code: int) -> int:
    if log is not None:
        log.say(text, "ERROR")
    print(f"error: {text}", file=sys.stderr)
    return code
