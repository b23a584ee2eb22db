"""The command `case`: fetch one clinical case and save it as files that anything opens. It prints nothing of a patient."""

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import requests

from client.archive_server import DEFAULT_URL
from client.case_files import CaseServer, NotShownError
from client.errors import ClientError
from client.progress import Progress
from client.saving import write_whole

PARTIAL: Final = 3
_VIEW: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_VERSION: Final = re.compile(r"[0-9a-f]{32}")
_UID: Final = re.compile(r"[0-9.]{1,64}")
_DEPTHS: Final = {"png8": "8", "png16": "16"}
_EPILOG: Final = """\
files: dicom/VIEW.dcm as it is stored, png8/VIEW.png and png16/VIEW.png, report.txt, and last case.json, which says what
is missing and why a picture is not there. The variable DICOM_FUNCTIONS_KEY holds a function key, where one is needed.
exit codes: 0 done; 1 failed, the message says why; 2 the command line makes no sense; 3 the case lacks something and
--strict asked for all of it, so that nothing was saved."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's commands."""
    parser = commands.add_parser(
        "case",
        help="fetch a clinical case: DICOM, pictures, report",
        description="Fetch a clinical case, and save it in open formats.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("year", metavar="YEAR")
    parser.add_argument("id", metavar="ID")
    parser.add_argument(
        "--save", metavar="DIR", type=Path, help="folder for the files; only looked at unless given"
    )
    parser.add_argument("--url", default=DEFAULT_URL, help=f"of the archive (default {DEFAULT_URL})")
    parser.add_argument("--strict", action="store_true", help="save all of the case or nothing")
    parser.add_argument("--force", action="store_true", help="overwrite files that are there")
    parser.set_defaults(command=_command)


def _command(options: argparse.Namespace) -> int:
    server = CaseServer(options.url, os.environ.get("DICOM_FUNCTIONS_KEY", ""))
    path = f"/cases/{quote(options.year, safe='')}/{quote(options.id, safe='')}"
    try:
        case = server.json(path)
        missing = [str(part) for part in case["missing"]]
        print(f"{len(case['views'])} views; missing: {', '.join(missing) or 'nothing'}")
        if options.strict and missing:
            return PARTIAL
        if options.save is not None:
            _save(case, path, server, options.save, force=options.force)
    except requests.RequestException as error:
        raise ClientError(f"{server.url} does not answer ({type(error).__name__}); is it running?") from None
    except (KeyError, TypeError, ValueError) as error:
        raise ClientError(
            f"{server.url} answered no case that can be read ({type(error).__name__}); is it the archive's root?"
        ) from None
    return 0


@dataclass(frozen=True, slots=True)
class _File:
    """A file to fetch: its name below the folder, where it is, in which form, and its bytes if that is known."""

    name: str
    path: str
    accept: str
    size: int | None = None


def _save(case: dict[str, Any], path: str, server: CaseServer, folder: Path, *, force: bool) -> None:
    files = list(_files(case, path))
    report = case["report"]
    names = [*(file.name for file in files), *([] if report is None else ["report.txt"]), "case.json"]
    there = [name for name in names if (folder / name).exists()]
    if there and not force:
        raise ClientError(
            f"{folder} holds {there[0]} already; name another folder, or overwrite with --force"
        )
    progress = Progress("saving", len(names), sys.stdout)
    problems = []
    for done, file in enumerate(files):
        progress.show(done)
        try:
            server.save(file.path, file.accept, folder / file.name, size=file.size)
        except NotShownError as error:
            problems.append({"file": file.name, "detail": str(error)})
    if report is not None:
        write_whole(folder / "report.txt", str(report).encode())
    about = {**case, "problems": problems}
    write_whole(folder / "case.json", json.dumps(about, indent=2, ensure_ascii=False).encode())
    progress.show(len(names))
    print(f"saved {len(names) - len(problems)} files in {folder}")


def _files(case: dict[str, Any], path: str) -> Iterator[_File]:
    """Yield what to fetch of each view; names and UIDs are checked, as they become paths."""
    for view, about in case["views"].items():
        uids = [about[f"{level}_instance_uid"] for level in ("study", "series", "sop")]
        if not (_VIEW.fullmatch(view) and all(_UID.fullmatch(uid) for uid in uids)):
            raise ValueError(view)
        instance = "/dicomweb/studies/{}/series/{}/instances/{}".format(*uids)
        if not about["served"]:  # another object has the same UIDs
            version = str(about["url"]).rpartition("/")[2]
            if not _VERSION.fullmatch(version):
                raise ValueError(view)
            instance += f"/history/{version}"
        yield _File(f"dicom/{view}.dcm", instance, "application/dicom; transfer-syntax=*", int(about["size"]))
        for folder, bits in _DEPTHS.items():
            yield _File(f"{folder}/{view}.png", f"{path}/views/{view}?bits={bits}", "image/png")
