"""Let the worker forget a finished HTTP request, which azure-functions-runtime 1.3.0 keeps for ever (about 2 kB each).

Nothing else of the runtime is touched, and nothing at all of another version: its coordinator may work differently.
"""

import logging
import sys
from typing import Any, Final

_log = logging.getLogger(__name__)

LEAKING_VERSION: Final = "1.3.0"


def release_finished_requests() -> bool:
    """Make the worker drop its reference to a request when it takes the response; true if that was done.

    Where no worker runs there is nothing to do, so a test or a tool may import the app without one.
    """
    http_v2 = sys.modules.get("azure_functions_runtime.http_v2")
    version = sys.modules.get("azure_functions_runtime.version")
    if http_v2 is None or version is None:
        return False
    if version.VERSION != LEAKING_VERSION:
        _log.warning(
            "the worker is %s, not %s: its memory is left to itself", version.VERSION, LEAKING_VERSION
        )
        return False
    coordinator = http_v2.http_coordinator
    coordinator._pop_http_response = _PopResponse(coordinator._context_references)  # noqa: SLF001 - this is the leak
    return True


class _PopResponse:
    """Take the response of an invocation, and the reference with it."""

    def __init__(self, references: dict[str, Any]) -> None:
        self._references = references

    def __call__(self, invocation_id: str) -> object:
        response = self._references.pop(invocation_id).http_response
        if response is None:
            raise ValueError(f"no response was set for invocation {invocation_id}")
        return response
