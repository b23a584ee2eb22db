"""The command `download`: save what a DICOMweb server holds as files, with a manifest. It prints nothing of a patient."""

import argparse
import hashlib
import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import requests

from client.dicomweb import LOGINS, DicomwebServer, add_server, is_uid, value_of
from client.errors import ClientError, RefusedError
from client.progress import Progress
from client.saving import write_whole

MANIFEST: Final = "manifest.json"
_FIRST: Final = 10_000_001
_NOTED: Final = 200
"""Files between two writings of the manifest."""
_SHOWN: Final = 20
_CHUNK: Final = 1024 * 1024
_STUDY, _SERIES, _INSTANCE, _PATIENT = "0020000D", "0020000E", "00080018", "00100020"
_EPILOG: Final = f"""\
files: 10000001.dcm and so on (--layout flat), or PATIENT/STUDY/SERIES/INSTANCE.dcm (--layout folders; PATIENT is a hash where
the PatientID cannot be a folder), and manifest.json, which says of each where it came from, its UIDs, bytes and SHA-256. A
file keeps its number when more are downloaded later.
exit codes: 0 done; 1 an instance failed, or all did; 2 the command line makes no sense.
{LOGINS}"""


@dataclass(slots=True)
class Entry:
    """One file of the manifest; *size* (bytes) and *sha256* are None until it is complete."""

    file: str
    source: str
    study: str
    series: str
    instance: str
    size: int | None = None
    sha256: str | None = None


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's commands."""
    parser = commands.add_parser(
        "download",
        help="save studies as files, from any DICOMweb server",
        description="Save what a DICOMweb server holds in a folder, which must be empty.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("dest", metavar="DEST", type=Path, help="folder for the files")
    add("--resume", action="store_true", help="go on: keep complete files, fetch those that are missing")
    add("--layout", choices=("flat", "folders"), default="flat", help="how files are named (default flat)")
    add("--study", action="append", default=[], metavar="UID", help="only this study; may come several times")
    add(
        "--match",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="only studies that a search finds by it",
    )
    add("--parallel", type=int, default=4, metavar="N", help="files at a time (default 4)")
    add_server(parser)
    parser.set_defaults(command=_command)


def _command(options: argparse.Namespace) -> int:
    dest: Path = options.dest
    if dest.exists() and not dest.is_dir():
        raise ClientError(f"{dest} is no folder")
    if dest.exists() and any(dest.iterdir()) and not options.resume:
        raise ClientError(f"{dest} is not empty; name another folder, or go on there with --resume")
    if not 1 <= options.parallel <= 32:
        raise ClientError("--parallel takes 1 to 32")
    server = DicomwebServer(options)
    try:
        entries, failures = _planned(server, options)
    except requests.RequestException as error:
        raise ClientError(f"{server.root} does not answer ({type(error).__name__})") from None
    dest.mkdir(parents=True, exist_ok=True)
    waiting = [entry for entry in entries if not _is_complete(dest, entry)]
    _write(dest, entries)
    there = len(entries) - len(waiting)
    failures += _fetch_all(server, dest, entries, waiting, options.parallel)
    _write(dest, entries)
    print(f"{len(entries)} instances: {there} there already, {len(entries) - there - len(failures)} saved")
    for failure in failures[:_SHOWN]:
        print(f"failed: {failure}", file=sys.stderr)
    if failures:
        print(f"{len(failures)} failed; --resume tries them again", file=sys.stderr)
    return 1 if failures else 0


def _planned(server: DicomwebServer, options: argparse.Namespace) -> tuple[list[Entry], list[str]]:
    """Return every instance to save, once each, and the studies that could not be listed."""
    known = _read(options.dest) if options.resume else {}
    number = max(
        (int(name) for entry in known.values() if (name := Path(entry.file).stem).isdecimal()),
        default=_FIRST - 1,
    )
    entries = dict(known)
    failures: list[str] = []
    for study, patient in _studies(server, options):
        try:
            for series, instance in _instances(server, study):
                if instance in entries:
                    continue
                number += 1
                folders = f"{_folder(patient)}/{study}/{series}/{instance}.dcm"
                file = folders if options.layout == "folders" else f"{number}.dcm"
                source = f"{server.root}/studies/{study}/series/{series}/instances/{instance}"
                entries[instance] = Entry(file, source, study, series, instance)
        except ClientError as error:
            failures.append(f"study {study}: {error}")
    return list(entries.values()), failures


def _studies(server: DicomwebServer, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Yield the UID of each study, and its PatientID."""
    match: dict[str, str] = {}
    for pair in options.match:
        key, is_pair, value = pair.partition("=")
        if not is_pair:
            raise ClientError("--match takes KEY=VALUE, such as PatientID=123 or StudyDate=20240101-20241231")
        match[key] = value
    for study in options.study:
        if not is_uid(study):
            raise ClientError("--study takes a UID")
    searches = [{**match, "StudyInstanceUID": study} for study in options.study] or [match]
    for search in searches:
        for row in server.rows("/studies", search):
            study = value_of(row, _STUDY)
            if is_uid(study):
                yield study, value_of(row, _PATIENT)


def _instances(server: DicomwebServer, study: str) -> Iterator[tuple[str, str]]:
    for row in server.rows(f"/studies/{study}/instances"):
        series, instance = value_of(row, _SERIES), value_of(row, _INSTANCE)
        if is_uid(series) and is_uid(instance):
            yield series, instance


def _folder(patient: str) -> str:
    is_plain = (
        patient.isascii() and patient.replace("-", "").replace("_", "").isalnum() and len(patient) <= 64
    )
    return patient if is_plain else hashlib.sha256(patient.encode()).hexdigest()[:16]


def _fetch_all(
    server: DicomwebServer, dest: Path, entries: list[Entry], waiting: list[Entry], parallel: int
) -> list[str]:
    """Fetch what is missing; return what failed. What fails stops nothing else."""
    failures: list[str] = []
    progress = Progress("downloading", max(len(waiting), 1), sys.stdout)
    stop = threading.Event()

    def fetch(entry: Entry) -> None:
        if not stop.is_set():
            path = entry.source.removeprefix(server.root)
            entry.size, entry.sha256 = server.save_instance(path, entry.instance, dest / entry.file)

    with ThreadPoolExecutor(parallel) as pool:
        futures = {pool.submit(fetch, entry): entry for entry in waiting}
        try:
            for done, future in enumerate(as_completed(futures), 1):
                try:
                    future.result()
                except (RefusedError, requests.RequestException) as error:
                    what = str(error) if isinstance(error, RefusedError) else type(error).__name__
                    failures.append(f"instance {futures[future].instance}: {what}")
                progress.show(done)
                if done % _NOTED == 0:
                    _write(dest, entries)
        finally:
            stop.set()
    return failures


def _is_complete(dest: Path, entry: Entry) -> bool:
    """Tell whether a file is there whole; one that came in before the manifest knew is measured."""
    path = dest / entry.file
    if not path.is_file():
        entry.size = entry.sha256 = None
        return False
    size = path.stat().st_size
    if entry.sha256 is None:  # its name is given to whole files only
        with path.open("rb") as file:
            entry.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        entry.size = size
    return size == entry.size


def _read(dest: Path) -> dict[str, Entry]:
    try:
        said = json.loads((dest / MANIFEST).read_text())
        entries = [Entry(**entry) for entry in said["files"]]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        raise ClientError(f"{dest / MANIFEST} cannot be read; move it away to begin anew") from None
    if not all(_is_inside(dest, entry.file) for entry in entries):
        raise ClientError(f"{dest / MANIFEST} names a file outside of its folder")
    return {entry.instance: entry for entry in entries}


def _is_inside(dest: Path, name: str) -> bool:
    return (dest / name).resolve().is_relative_to(dest.resolve())


def _write(dest: Path, entries: list[Entry]) -> None:
    content = {"files": [asdict(entry) for entry in entries]}
    write_whole(dest / MANIFEST, json.dumps(content, indent=1).encode())
