"""ASP.NET route templates: which HTTP function a path and method belong to; it answers nothing itself."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from localhost.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from localhost.bindings import Function

ALL_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"})
_PARAMETER = re.compile(
    r"\{(\*{0,2})([A-Za-z_][\w-]*)((?::[a-z]+(?:\((?:[^()]|\([^()]*\))*\))?)*)(=[^{}?]*)?(\?)?\}"
)
_CONSTRAINT = re.compile(r":([a-z]+)(?:\(((?:[^()]|\([^()]*\))*)\))?")
_ENCODED_SLASH = re.compile(rb"(%2[fF])")


def _is_guid(value: str) -> bool:
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True


def _is_number(value: str) -> bool:
    return re.fullmatch(r"[+-]?\d+(?:\.\d+)?", value) is not None


def _within(bits: int) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        return re.fullmatch(r"[+-]?\d{1,19}", value) is not None and -(2 ** (bits - 1)) <= int(value) < 2 ** (
            bits - 1
        )

    return check


def _length(low: int, high: int | None) -> Callable[[str], bool]:
    return lambda value: low <= len(value) and (high is None or len(value) <= high)


def _exact_length(argument: str) -> Callable[[str], bool]:
    low, _, high = argument.partition(",")
    return _length(int(low), int(high or low))


def _bounds(low: int | None, high: int | None) -> Callable[[str], bool]:
    whole = _within(64)
    return lambda value: (
        whole(value) and (low is None or int(value) >= low) and (high is None or int(value) <= high)
    )


def _range(argument: str) -> Callable[[str], bool]:
    low, high = argument.split(",")
    return _bounds(int(low), int(high))


def _regex(argument: str) -> Callable[[str], bool]:
    pattern = re.compile(argument.replace("{{", "{").replace("}}", "}"), re.IGNORECASE)
    return lambda value: pattern.search(value) is not None


CONSTRAINTS: dict[str, Callable[[str], Callable[[str], bool]]] = {
    "int": lambda _: _within(32),
    "long": lambda _: _within(64),
    "guid": lambda _: _is_guid,
    "bool": lambda _: lambda value: value.lower() in {"true", "false"},
    "alpha": lambda _: lambda value: re.fullmatch(r"[A-Za-z]*", value) is not None,
    "decimal": lambda _: _is_number,
    "double": lambda _: _is_number,
    "float": lambda _: _is_number,
    "length": _exact_length,
    "minlength": lambda argument: _length(int(argument), None),
    "maxlength": lambda argument: _length(0, int(argument)),
    "min": lambda argument: _bounds(int(argument), None),
    "max": lambda argument: _bounds(None, int(argument)),
    "range": _range,
    "regex": _regex,
    "required": lambda _: bool,
}


@dataclass(frozen=True)
class Route:
    """One template, compiled; `precedence` sorts routes that could match the same path, most specific first."""

    function: Function
    methods: frozenset[str]
    pattern: re.Pattern[str]
    checks: tuple[tuple[str, Callable[[str], bool]], ...]
    defaults: tuple[tuple[str, str], ...]
    precedence: tuple[int, ...]

    def match(self, path: str) -> dict[str, str] | None:
        """Return the values of the path's parameters, or None when the path is not of this route."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        values = {name: value for name, value in found.groupdict().items() if value}
        if any(name in values and not check(values[name]) for name, check in self.checks):
            return None
        for name, default in self.defaults:
            values.setdefault(name, default)
        return values


class Router:
    """The routes of an app, asked most specific first."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = sorted(routes, key=lambda route: route.precedence)

    def find(self, method: str, raw_path: bytes) -> tuple[Function, dict[str, str]] | None:
        """Find the function of a request.

        Args:
            method: In capitals.
            raw_path: As it came, percent-encoded, with its leading slash and without a query.

        Returns:
            The function and its route parameters, decoded except for `%2F`; None when none takes path and method.
        """
        path = decode_path(raw_path).strip("/")
        for route in self._routes:
            if method in route.methods:
                values = route.match(path)
                if values is not None:
                    return route.function, values
        return None


def decode_path(raw_path: bytes) -> str:
    """Decode a path as Kestrel does: an encoded slash stays encoded, it is data and no separator."""
    if b"%" not in raw_path:
        return raw_path.decode("ascii", "replace")
    parts = _ENCODED_SLASH.split(raw_path)
    decoded = [part if index % 2 else unquote_to_bytes(part) for index, part in enumerate(parts)]
    return b"".join(decoded).decode("utf-8", "replace")


def compile_route(template: str, function: Function, methods: Iterable[str] | None) -> Route:
    """Compile a template; `methods` None means every method.

    Raises:
        StartError: The template is malformed or uses a constraint that is not known.
    """
    try:
        return _Compiler(template).route(function, methods)
    except (ValueError, re.error) as error:
        raise StartError(f"function {function.name}: route {template!r}: {error}") from error


class _Compiler:
    """Turns the segments of one template into one expression, its checks and its precedence."""

    def __init__(self, template: str) -> None:
        self._template = template
        self._checks: list[tuple[str, Callable[[str], bool]]] = []
        self._defaults: list[tuple[str, str]] = []
        self._precedence: list[int] = []
        self._names: set[str] = set()

    def route(self, function: Function, methods: Iterable[str] | None) -> Route:
        segments = [part for part in _split(self._template.strip("/")) if part]
        expression, closing = "", ""
        for index, segment in enumerate(segments):
            text, optional = self._segment(segment, last=index == len(segments) - 1)
            slash = "/" if index else ""
            expression += f"(?:{slash}{text}" if optional else f"{slash}{text}"
            closing += ")?" if optional else ""
            if closing and not optional:
                raise ValueError("only the last segments may be optional")
        allowed = frozenset(method.upper() for method in methods) if methods else ALL_METHODS
        pattern = re.compile(expression + closing, re.IGNORECASE | re.DOTALL)
        return Route(
            function, allowed, pattern, tuple(self._checks), tuple(self._defaults), tuple(self._precedence)
        )

    def _segment(self, segment: str, *, last: bool) -> tuple[str, bool]:
        """Return the expression of a segment and whether a path may lack it."""
        if "{" not in segment and "}" not in segment:
            self._precedence.append(1)
            return re.escape(segment), False
        whole = _PARAMETER.fullmatch(segment)
        if whole is None:
            self._precedence.append(2)
            return self._mixed(segment), False
        stars, _, constraints, default, question = whole.groups()
        if stars and not last:
            raise ValueError("a catch-all must be the last segment")
        self._precedence.append((5 if stars else 3) + (0 if constraints else 1))
        name = self._parameter(whole)
        return f"(?P<{name}>{'.*' if stars else '[^/]+'})", bool(stars or default or question)

    def _mixed(self, segment: str) -> str:
        expression, end = "", 0
        for match in _PARAMETER.finditer(segment):
            if match[1] or match[5]:
                raise ValueError(
                    f"{segment!r}: a parameter beside text can be neither catch-all nor optional"
                )
            expression += re.escape(segment[end : match.start()]) + f"(?P<{self._parameter(match)}>[^/]+)"
            end = match.end()
        rest = segment[end:]
        if not expression or "{" in rest or "}" in rest:
            raise ValueError(f"{segment!r} cannot be read")
        return expression + re.escape(rest)

    def _parameter(self, match: re.Match[str]) -> str:
        name = match[2]
        if name.lower() in self._names or not name.isidentifier():
            raise ValueError(f"parameter {name!r} is named twice or is no identifier")
        self._names.add(name.lower())
        for constraint, argument in _CONSTRAINT.findall(match[3]):
            if constraint not in CONSTRAINTS:
                raise ValueError(f"constraint {constraint!r} is not known; known: {', '.join(CONSTRAINTS)}")
            self._checks.append((name, CONSTRAINTS[constraint](argument)))
        if match[4]:
            self._defaults.append((name, match[4][1:]))
        return name


def _split(template: str) -> list[str]:
    """Split at the slashes that are in no parameter: a regex constraint may hold one."""
    segments, depth = [""], 0
    for character in template:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "/" and depth == 0:
            segments.append("")
        else:
            segments[-1] += character
    return segments
