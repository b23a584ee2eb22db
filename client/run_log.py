"""The log of one run: a file under a name of its own, and the console if asked for. It decides nothing."""

import itertools
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST: Final = 80
_DATE: Final = "%m/%d/%Y %H:%M:%S"


class RunLog:
    """Writes lines as the forerunner did. What it is given names no patient.

    Args:
        folder: Where the file is made; none that is there is touched.
        sample_id: Whose characters that are unsafe in a name are replaced.
        attempt: From 1.
        console: Whether lines are shown as well.
    """

    def __init__(self, folder: Path, sample_id: str, attempt: int, *, console: bool) -> None:
        self.path, self._file = _new_file(folder, f"moichor-{safe_name(sample_id)}-{attempt}")
        self._console = console

    def say(self, text: str, level: str = "INFO") -> None:
        """Write one line."""
        when = datetime.now().astimezone().strftime(_DATE)
        self.add(f"{when} | [{level}] | {text}\n")

    def add(self, lines: str) -> None:
        """Write lines that are whole already."""
        self._file.write(lines)
        self._file.flush()
        if self._console:
            sys.stdout.write(lines)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def safe_name(text: str) -> str:
    """Return *text* as it may stand in the name of a file of any system."""
    return _UNSAFE.sub("_", text)[:_LONGEST] or "_"


def _new_file(folder: Path, stem: str) -> tuple[Path, TextIO]:
    for number in itertools.count(1):
        path = folder / (f"{stem}.log" if number == 1 else f"{stem}.{number}.log")
        try:
            return path, path.open("x", encoding="utf-8")
        except FileExistsError:
            continue
    raise AssertionError("numbers do not end")
