"""What a check comes to, and how a check is declared. It knows no check and no server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from client.conformance.server import Server


class Verdict(StrEnum):
    """Of one check."""

    PASS = "PASS"  # noqa: S105 - no password
    FAIL = "FAIL"
    NOT_APPLICABLE = "N.A."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check has seen."""

    check_id: str
    verdict: Verdict
    seen: str


class CheckFailed(Exception):  # noqa: N818 - it is no error of the program
    """The service did something else; the message says what."""


class NotApplicable(Exception):  # noqa: N818 - it is no error of the program
    """The check cannot be made of this service, or not by HTTP alone; the message says why."""


type Run = Callable[[Server], str]
CHECKS: dict[str, Run] = {}
"""By id, in the order they were declared."""


def check(check_id: str) -> Callable[[Run], Run]:
    """Declare the decorated function as a check: it returns what it saw, or raises."""

    def declare(run: Run) -> Run:
        CHECKS[check_id] = run
        return run

    return declare


def expect(seen: object, *accepted: object) -> None:
    """Fail unless *seen* is one of *accepted*."""
    if seen not in accepted:
        raise CheckFailed(f"{_short(seen)} instead of {' or '.join(_short(one) for one in accepted)}")


def require(condition: object, otherwise: str) -> None:
    """Fail with *otherwise* unless *condition* holds."""
    if not condition:
        raise CheckFailed(otherwise)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 120 else text[:117] + "..."
