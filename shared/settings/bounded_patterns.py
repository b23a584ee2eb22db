"""Refuse regular expressions of settings that a hostile name could keep busy for hours. It matches nothing.

Python's engine tries one way after the other, and has no time limit. How many ways there are is bounded by how a pattern is
built: no repetition within a repetition, no choice within one, few that are open, and no reference back.
"""

import re
from typing import Final

MAX_OPEN: Final = 2
"""Repetitions of any length: names have 1,024 characters, so two take a second at worst, and three would take minutes."""
MAX_WAYS: Final = (64, 64, 4)
"""Lengths that all other repetitions may have together (their product), by how many are open."""
_LONG: Final = 32
"""A repetition of as many, and more, counts as of any length."""
_MAX_LENGTH: Final = 500
_TOKEN: Final = re.compile(
    r"(?P<back>\\[1-9]|\(\?P=|\(\?\()|\\.|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<odd>\(\?(?!P<\w+>|<?[=!]|:|>))|(?P<open>\((?:\?(?:P<\w+>|<?[=!]|:|>))?)|(?P<close>\))|(?P<choice>\|)"
    r"|(?P<repeat>[*+?]|\{(?P<least>[0-9]*)(?P<to>,?)(?P<most>[0-9]*)\})(?P<how>[?+]?)|.",
    re.DOTALL,
)


def check_bounded(pattern: str) -> None:
    """Refuse *pattern* if the time that it takes may grow without measure.

    Raises:
        ValueError: It may, or it is no regular expression.
    """
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    if len(pattern) > _MAX_LENGTH:
        raise ValueError(f"a pattern has at most {_MAX_LENGTH} characters")
    _Reading().read(pattern)


class _Reading:
    """What was seen of a pattern so far."""

    def __init__(self) -> None:
        self._open = 0
        self._ways = 1.0
        self._groups = [False]
        """Of each group that is open, whether it holds a repetition or a choice."""
        self._last_is_complex = False
        """Whether what stands before is a group that does."""

    def read(self, pattern: str) -> None:
        for token in _TOKEN.finditer(pattern):
            kind = token.lastgroup if token["repeat"] is None else "repeat"
            if kind == "repeat":
                self._repeat(token)
                continue
            self._last_is_complex = False
            if kind in ("back", "odd"):
                raise ValueError(
                    "neither references back, conditions, comments nor flags: the time they take has no bound"
                )
            if kind == "open":
                self._groups.append(False)
            elif kind == "close":
                self._last_is_complex = self._groups.pop()
                self._groups[-1] |= self._last_is_complex
            elif kind == "choice":
                self._groups[-1] = True

    def _repeat(self, token: re.Match[str]) -> None:
        least, most = _bounds(token)
        if most > 1 and self._last_is_complex:
            raise ValueError(
                "no repetition of what holds a repetition or a choice: the time it takes has no bound"
            )
        if most > least:
            self._groups[-1] = True
            if most - least >= _LONG:
                self._open += 1
            else:
                self._ways *= most - least + 1
        if self._open > MAX_OPEN or self._ways > MAX_WAYS[self._open]:
            raise ValueError(
                f"at most {MAX_OPEN} repetitions of any length (*, +), and few of several: the time they take has no bound"
            )


def _bounds(token: re.Match[str]) -> tuple[int, float]:
    simple: dict[str, tuple[int, float]] = {"*": (0, float("inf")), "+": (1, float("inf")), "?": (0, 1)}
    if token["repeat"] in simple:
        return simple[token["repeat"]]
    least = int(token["least"] or 0)
    if not token["to"]:
        return least, least
    return least, float(token["most"]) if token["most"] else float("inf")
