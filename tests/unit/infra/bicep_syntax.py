"""A reader of the plain Bicep in infra/: declarations and expressions as a tree. What it does not know is an error.

The public parsers check the syntax too, but lose what an expression means: one has `a == b.c` as `(a == b).c`, the other
does not tell names from strings.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.unit.infra.bicep_tokens import BicepError, Token, tokens_of

_LEVELS = (
    ("??",),
    ("||",),
    ("&&",),
    ("==", "!=", "=~", "!~"),
    ("<", ">", "<=", ">="),
    ("+", "-"),
    ("*", "/", "%"),
)


@dataclass(frozen=True, slots=True)
class Node:
    """An expression: *kind* is value, name, text, member, index, call, unary, binary, choice, list, object, for or if.

    *value* is what kind needs beside its *parts*: a literal, a name, an operator.
    """

    kind: str
    value: str | int | bool | None = None
    parts: tuple["Node", ...] = ()

    def names(self) -> Iterator[str]:
        """Yield each name that stands anywhere in the expression."""
        if self.kind == "name":
            yield str(self.value)
        for part in self.parts:
            yield from part.names()


@dataclass(frozen=True, slots=True)
class Declaration:
    """A line such as `resource name 'what' = body`; *keyword* is param, var, resource, module or output."""

    keyword: str
    name: str
    what: str
    body: Node | None
    is_existing: bool = False
    decorators: dict[str, tuple[Node, ...]] = field(default_factory=dict)


def read_bicep(path: Path) -> list[Declaration]:
    """Return the declarations of a file.

    Raises:
        BicepError: It is not there, or not in the dialect of this reader; with the line.
    """
    if not path.is_file():
        raise BicepError(f"{path.name}: there is no such module")
    try:
        return list(_declarations(path.read_text(encoding="utf-8")))
    except BicepError as error:
        raise BicepError(f"{path.name}: {error}") from None


@functools.cache
def _declarations(source: str) -> tuple[Declaration, ...]:
    return tuple(_Reader(tokens_of(source)).declarations())


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def _peek(self, *texts: str) -> bool:
        token = self._tokens[self._at]
        return token.kind != "string" and token.text in texts

    def _next(self) -> Token:
        token = self._tokens[self._at]
        if token.kind == "end":
            raise BicepError("the file ends before something in it does")
        self._at += 1
        return token

    def _take(self, text: str) -> Token:
        token = self._next()
        if token.text != text:
            raise BicepError(f"line {token.line}: expected {text!r}, found {token.text!r}")
        return token

    def _taken(self, *texts: str) -> bool:
        if self._peek(*texts):
            self._at += 1
            return True
        return False

    def _skip_lines(self) -> None:
        while self._tokens[self._at].kind == "newline":
            self._at += 1

    def declarations(self) -> list[Declaration]:
        found = []
        decorators: dict[str, tuple[Node, ...]] = {}
        self._skip_lines()
        while self._tokens[self._at].kind != "end":
            if self._taken("@"):
                name = self._next().text
                decorators[name] = self._arguments()
            else:
                found.append(self._declaration(decorators))
                decorators = {}
            self._take("\n")
            self._skip_lines()
        return found

    def _declaration(self, decorators: dict[str, tuple[Node, ...]]) -> Declaration:
        keyword = self._next()
        if keyword.text == "targetScope":
            self._take("=")
            return Declaration("targetScope", "", "", self._expression())
        name = self._next().text
        what = ""
        if keyword.text in ("resource", "module"):
            what = self._next().parts[0]
        elif keyword.text in ("param", "output"):
            what = self._next().text
        elif keyword.text != "var":
            raise BicepError(f"line {keyword.line}: {keyword.text!r} is no declaration of this dialect")
        is_existing = self._taken("existing")
        body = self._conditional() if self._taken("=") else None
        return Declaration(keyword.text, name, what, body, is_existing, decorators)

    def _conditional(self) -> Node:
        if self._taken("if"):
            self._take("(")
            condition = self._expression()
            self._take(")")
            return Node("if", None, (condition, self._expression()))
        return self._expression()

    def _expression(self) -> Node:
        condition = self._binary(0)
        if not self._taken("?"):
            return condition
        first = self._expression()
        self._take(":")
        return Node("choice", None, (condition, first, self._expression()))

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._peek(*_LEVELS[level]):
            sign = self._next().text
            left = Node("binary", sign, (left, self._binary(level + 1)))
        return left

    def _unary(self) -> Node:
        for sign in ("!", "-"):
            if self._taken(sign):
                return Node("unary", sign, (self._unary(),))
        node = self._primary()
        while True:
            if self._taken("."):
                node = Node("member", self._next().text, (node,))
            elif self._taken("["):
                node = Node("index", None, (node, self._expression()))
                self._take("]")
            else:
                return node

    def _primary(self) -> Node:
        token = self._next()
        if token.kind == "string":
            return _text(token.parts)
        if token.kind == "number":
            return Node("value", int(token.text))
        if token.kind == "name":
            return self._named(token.text)
        if token.text == "(":
            inner = self._expression()
            self._take(")")
            return inner
        if token.text == "[":
            return self._list()
        if token.text == "{":
            return self._object()
        raise BicepError(f"line {token.line}: {token.text!r} begins no expression")

    def _named(self, name: str) -> Node:
        if self._peek("("):
            return Node("call", name, self._arguments())
        constants = {"true": True, "false": False, "null": None}
        return Node("value", constants[name]) if name in constants else Node("name", name)

    def _arguments(self) -> tuple[Node, ...]:
        self._take("(")
        found: list[Node] = []
        self._skip_lines()
        while not self._taken(")"):
            found.append(self._expression())
            self._taken(",")
            self._skip_lines()
        return tuple(found)

    def _list(self) -> Node:
        self._skip_lines()
        if self._taken("for"):
            return self._loop()
        found: list[Node] = []
        while not self._taken("]"):
            found.append(self._expression())
            self._taken(",")
            self._skip_lines()
        return Node("list", None, tuple(found))

    def _loop(self) -> Node:
        names = ""
        while not self._taken("in"):
            names += self._next().text
        each = self._expression()
        self._take(":")
        body = self._conditional()
        self._skip_lines()
        self._take("]")
        return Node("for", names.strip("()"), (each, body))

    def _object(self) -> Node:
        found: list[Node] = []
        self._skip_lines()
        while not self._taken("}"):
            token = self._next()
            found.append(_text(token.parts) if token.kind == "string" else Node("value", token.text))
            self._take(":")
            found.append(self._expression())
            self._taken(",")
            self._skip_lines()
        return Node("object", None, tuple(found))


def _text(parts: tuple[str, ...]) -> Node:
    if len(parts) == 1:
        return Node("value", parts[0])
    nodes = [Node("value", part) for part in parts]
    nodes[1::2] = [_Reader(tokens_of(part))._expression() for part in parts[1::2]]
    return Node("text", None, tuple(nodes))
