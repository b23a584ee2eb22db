"""Say on the command line what a command is about: files of this machine, or what an archive holds. It asks nothing."""

import argparse
import re
from pathlib import Path
from typing import Final

from client.archive_server import DEFAULT_URL, Parameters
from client.errors import ClientError

_UID: Final = re.compile(r"[0-9.]{1,64}")
_LEVELS: Final = (("study", "studies"), ("series", "series"), ("instance", "instances"))


def add_subject(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name files, or a study, series or instance, and the archive."""
    parser.add_argument("files", metavar="FILE", type=Path, nargs="*", help="DICOM files of this machine")
    for level, _ in _LEVELS:
        parser.add_argument(f"--{level}", metavar="UID", help=f"a {level} of the archive, by its UID")
    parser.add_argument("--partition", metavar="NAME", help="data partition of the archive that it lies in")
    parser.add_argument("--url", default=DEFAULT_URL, help=f"of the archive (default {DEFAULT_URL})")
    parser.add_argument("--force", action="store_true", help="overwrite files that are there")


def path_below(options: argparse.Namespace) -> str:
    """Return the path of the study, series or instance that is named, such as "/studies/1.2"; "" if none is.

    Raises:
        ClientError: The UIDs make no sense, or files are named too.
    """
    uids = [getattr(options, level) for level, _ in _LEVELS]
    named = [uid for uid in uids if uid is not None]
    if named != uids[: len(named)]:
        raise ClientError("an instance needs --study, --series and --instance, a series the first two")
    if not all(_UID.fullmatch(uid) for uid in named):
        raise ClientError("a UID consists of digits and dots, 64 at most")
    if named and options.files:
        raise ClientError("name files, or what the archive holds, not both")
    return "".join(f"/{segment}/{uid}" for (_, segment), uid in zip(_LEVELS, named, strict=False))


def partition_parameter(options: argparse.Namespace) -> Parameters:
    """Return the data partition as a parameter of a request."""
    return [("partition", options.partition)] if options.partition else []
