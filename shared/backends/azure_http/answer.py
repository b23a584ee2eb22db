"""What a service of Azure Storage answers, or that it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class NoAnswerError(Exception):
    """The service did not answer, also when it was asked again; or there is nothing to sign a request with."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said: status, headers by any-case name, body.

    After more than one of *tries*, what stands in its way may be what an earlier one has done.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    tries: int = 1

    @property
    def code(self) -> str:
        """The service's own name of an error, "" if it gave none in the headers."""
        return self.headers.get("x-ms-error-code", "")
