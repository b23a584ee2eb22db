"""The command `import`: have an archive take instances from another one, and follow how far it is. It shows no data."""

import argparse
import re
import sys
import time
from pathlib import Path
from typing import Any, Final

from client.archive_server import DEFAULT_URL, ArchiveServer
from client.errors import ClientError
from client.progress import Progress
from client.saving import check_free

PARTLY: Final = 3
_POLL_SECONDS: Final = 1
_SHOWN: Final = 20
_JOB: Final = re.compile(r"[0-9a-f]{32}")
_FILTERS: Final = ("patient", "date", "modality", "study", "accession")
_TEXTS: Final = {
    "source": "source",
    "kind": "kind",
    "from_url": "url",
    "files_url": "filesUrl",
    "to_container": "container",
    "prefix": "prefix",
    "partition": "partition",
    **{name: name for name in _FILTERS},
}
_EPILOG: Final = """\
The archive does the work: sources and their logins stand in its setting DICOM_IMPORT_SOURCES, and are called by name. What
it has is not fetched again; --resume tries again what failed. Interrupting this program does not stop the import.
The variable DICOM_FUNCTIONS_KEY holds a function key, where one is needed.
exit codes: 0 all imported; 1 failed, the message says why; 2 the command line makes no sense; 3 something failed, the rest
is imported: the messages, and the manifest, say what and why."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's commands."""
    parser = commands.add_parser(
        "import",
        help="have the archive import from another one",
        description="Import from an Orthanc, a DICOMweb server or a study list, into the archive or as numbered files.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("source", metavar="SOURCE", nargs="?", help="name of a source in the archive's settings")
    add("--kind", choices=("orthanc", "dicomweb", "study-list"), help="of a source that is given by its URL")
    add("--from-url", metavar="URL", help="of a source whose host the archive's settings allow")
    add("--files-url", metavar="URL", help="of the Orthanc with the files of a study list")
    add("--patient", metavar="ID", help="only this PatientID")
    add("--date", metavar="DATE", help="only this StudyDate, YYYYMMDD, or a range YYYYMMDD-YYYYMMDD")
    add("--modality", metavar="CODE", help="only studies with this modality")
    add("--study", metavar="UID", help="only this study")
    add("--accession", metavar="NUMBER", help="only this AccessionNumber")
    add("--incremental", action="store_true", help="what has come since the last time")
    add("--since", metavar="NUMBER", type=int, help="with --incremental: behind this change; 0 for all")
    add("--to-container", metavar="NAME", help="write 10000001.dcm and so on there, not into the archive")
    add("--prefix", metavar="FOLDER/", help="what their names begin with")
    add("--partition", metavar="NAME", help="data partition to import into")
    add("--resume", metavar="JOB", help="try again what failed of an import")
    add(
        "--manifest",
        metavar="FILE",
        type=Path,
        help="save what became of each instance, a JSON object a line",
    )
    add("--force", action="store_true", help="overwrite that file")
    add("--no-wait", action="store_true", help="begin, print the job, and go")
    add("--url", default=DEFAULT_URL, help=f"of the archive (default {DEFAULT_URL})")
    parser.set_defaults(command=_command)


def _command(options: argparse.Namespace) -> int:
    if options.manifest is not None:
        check_free(options.manifest, force=options.force)
    server = ArchiveServer(options.url)
    begun = _begin(server, options)
    job = str(begun.get("job"))
    if _JOB.fullmatch(job) is None:
        raise ClientError(f"{server.url} began no import; is it the archive's root?")
    if options.no_wait:
        print(job)
        return 0
    told = _finished(server, job)
    if options.manifest is not None:
        server.save(f"/imports/{job}/manifest", options.manifest)
    return _outcome(told, job)


def _begin(server: ArchiveServer, options: argparse.Namespace) -> dict[str, Any]:
    asked: dict[str, Any] = {
        name: value for option, name in _TEXTS.items() if (value := getattr(options, option)) is not None
    }
    asked |= {"incremental": True} if options.incremental else {}
    asked |= {} if options.since is None else {"since": options.since}
    if options.resume is not None:
        if asked or _JOB.fullmatch(options.resume) is None:
            raise ClientError("--resume takes the id of a job, and nothing else is asked for")
        return server.json(f"/imports/{options.resume}/resume", method="POST")
    if (options.source is None) == (options.from_url is None):
        raise ClientError("name a source of the archive's settings, or give --kind and --from-url")
    return server.send_json("/imports", asked)


def _finished(server: ArchiveServer, job: str) -> dict[str, Any]:
    """Wait for an import and return what became of it."""
    progress: tuple[int, Progress] | None = None
    while True:
        told = server.json(f"/imports/{job}")
        total = int(told["studies"])
        if progress is None or progress[0] != total:
            progress = total, Progress("importing studies", total, sys.stdout)
        ended = told["status"] in ("done", "failed")
        # While studies are being looked for there may be more of them soon, and a full bar would be wrong.
        if total and (ended or told["status"] == "running"):
            progress[1].show(int(told["done"]) + int(told["failed"]))
        if ended:
            return told
        time.sleep(_POLL_SECONDS)


def _outcome(told: dict[str, Any], job: str) -> int:
    if told["status"] == "failed":
        raise ClientError(f"{told['error']}; job {job}")
    counts = told["instances"]
    print(
        f"{counts['stored']} stored, {counts['present']} there before, {counts['failed']} failed; "
        f"{counts['bytes']} bytes; job {job}"
    )
    if counts["mismatched"]:
        print(f"{counts['mismatched']} are not what their ids say; the manifest says which", file=sys.stderr)
    for failure in told["failures"][:_SHOWN]:
        print(f"study {failure['study']}: {failure['error']}", file=sys.stderr)
    if len(told["failures"]) > _SHOWN:
        print(f"and {len(told['failures']) - _SHOWN} more studies", file=sys.stderr)
    return PARTLY if told["failures"] else 0
