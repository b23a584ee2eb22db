"""The words of the plain Bicep in infra/: names, numbers, signs, lines, and strings with the expressions in them."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"(?P<space>[ \t\r]+|//[^\n]*)|(?P<newline>\n)|(?P<number>\d+)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>==|=~|!=|!~|<=|>=|&&|\|\||\?\?|[-+*/%<>=!?:.,()\[\]{}@])"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class BicepError(Exception):
    """A template that cannot be read or evaluated."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word; *parts* of a string are texts and expressions in turn."""

    kind: str
    text: str
    line: int
    parts: tuple[str, ...] = ()


def tokens_of(source: str) -> list[Token]:
    """Return the words of a template, and an end.

    Raises:
        BicepError: Something is no word of this dialect; with the line.
    """
    found: list[Token] = []
    at = 0
    while at < len(source):
        line = source.count("\n", 0, at) + 1
        if source.startswith("'''", at):
            end = source.find("'''", at + 3)
            found.append(Token("string", "", line, (source[at + 3 : end].removeprefix("\n"),)))
            at = end + 3
        elif source[at] == "'":
            parts, at = _string(source, at + 1, line)
            found.append(Token("string", "", line, parts))
        elif match := _TOKEN.match(source, at):
            if match.lastgroup != "space":
                found.append(Token(str(match.lastgroup), match[0], line))
            at = match.end()
        else:
            raise BicepError(f"line {line}: cannot read {source[at : at + 20]!r}")
    return [*found, Token("newline", "\n", 0), Token("end", "", 0)]


def _string(source: str, at: int, line: int) -> tuple[tuple[str, ...], int]:
    """Return texts and expressions in turn, and where the string is over."""
    parts, text = [], ""
    while at < len(source) and source[at] not in "'\n":
        if source[at] == "\\":
            text += _ESCAPES.get(source[at + 1], source[at + 1])
            at += 2
        elif source.startswith("${", at):
            end = _end_of_expression(source, at + 2, line)
            parts += [text, source[at + 2 : end]]
            text, at = "", end + 1
        else:
            text += source[at]
            at += 1
    if source[at : at + 1] != "'":
        raise BicepError(f"line {line}: the string does not end")
    return (*parts, text), at + 1


def _end_of_expression(source: str, at: int, line: int) -> int:
    depth = 0
    while at < len(source):
        if source[at] == "'":
            _, at = _string(source, at + 1, line)
            continue
        if source[at] == "}" and depth == 0:
            return at
        depth += {"{": 1, "}": -1}.get(source[at], 0)
        at += 1
    raise BicepError(f"line {line}: an expression in a string does not end")
