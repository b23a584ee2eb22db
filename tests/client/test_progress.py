"""The progress bar: redrawn on a terminal, one line elsewhere."""

import io

from client.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_one_line_redrawn() -> None:
    """Each step overwrites the line; the last one ends it."""
    terminal = Terminal()
    progress = Progress("loading", 2, terminal)

    progress.show(1)
    progress.show(2)

    first, last = terminal.getvalue().split("\r")
    assert first.endswith("[" + 15 * "#" + 15 * "." + "] 1/2")
    assert last.endswith("[" + 30 * "#" + "] 2/2\n")


def test_a_file_gets_only_the_end() -> None:
    """A log has no half-done bars."""
    log = io.StringIO()
    progress = Progress("loading", 2, log)

    progress.show(1)
    progress.show(2)

    assert log.getvalue().splitlines(keepends=True) == ["loading              [" + 30 * "#" + "] 2/2\n"]
