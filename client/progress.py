"""Show how far a counted piece of work has come; it measures no time."""

import sys
from typing import TextIO

_WIDTH = 30  # characters


class Progress:
    """Draw a bar on one line of a terminal; elsewhere print one line once the work is done."""

    def __init__(self, label: str, total: int, stream: TextIO = sys.stdout) -> None:
        self._label = label
        self._total = total
        self._stream = stream

    def show(self, done: int) -> None:
        """Show that *done* of the total are finished."""
        finished = done >= self._total
        if not (finished or self._stream.isatty()):
            return
        bar = "#" * (_WIDTH * done // self._total)
        # Back at the start of the line, so that whatever is printed next overwrites an unfinished bar.
        end = "\n" if finished else "\r"
        self._stream.write(f"{self._label:<20} [{bar:.<{_WIDTH}}] {done}/{self._total}{end}")
        self._stream.flush()
