"""Decide what a queue, blob or timer trigger does with an error: acknowledge, or raise so that the host tries again."""

import functools
import logging
import traceback
from collections.abc import Awaitable, Callable

from functions import _wiring
from functions._audit import auditing
from shared.errors import AppError, InvalidRequestError, PermanentError, TransientError
from shared.telemetry.events import event
from shared.telemetry.tracing import trigger_span

_log = logging.getLogger(__name__)


class HandlerError(Exception):
    """A handler failed in a way nobody foresaw; it names the kind of failure and the place, and no value."""


def acknowledges_permanent_errors[**P](handler: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """Make *handler* end well on a permanent error, for a second delivery would fail as the first did.

    A transient error is raised as it is. Any other is raised as HandlerError: its own message may hold values of a
    patient, and the host writes the messages of what it catches into its log.
    """

    @functools.wraps(handler)
    async def handle(*args: P.args, **kwargs: P.kwargs) -> None:
        _wiring.start_telemetry()
        try:
            with trigger_span(handler.__name__), auditing(handler.__name__):
                await handler(*args, **kwargs)
        except PermanentError as error:
            _note_acknowledged(handler.__name__, error)
        except TransientError:
            raise
        except Exception as error:  # noqa: BLE001 - the border to the host, where no message may pass
            _log.exception("%s failed:\n%s", handler.__name__, describe_failure(error), exc_info=False)
            raise HandlerError(
                f"{handler.__name__} failed with {type(error).__name__}; its log has the place"
            ) from None

    return handle


def says_why[**P](handler: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[str]]:
    """Make *handler* return why it failed, or nothing if it did not; what nobody foresaw is named without its message."""

    @functools.wraps(handler)
    async def handle(*args: P.args, **kwargs: P.kwargs) -> str:
        try:
            await handler(*args, **kwargs)
        except AppError as error:
            return f"{type(error).__name__}: {error}"
        except Exception as error:  # noqa: BLE001 - the border to the host, where no message may pass
            _log.exception("%s failed:\n%s", handler.__name__, describe_failure(error), exc_info=False)
            return f"{handler.__name__} failed with {type(error).__name__}; its log has the place"
        return ""

    return handle


def _note_acknowledged(handler: str, error: PermanentError) -> None:
    """Log why a message is done with; only what a malformed request says of itself is sure to name no object."""
    reason = str(error) if isinstance(error, InvalidRequestError) else ""
    event(
        _log, "acknowledged", level=logging.WARNING, action=handler, error=type(error).__name__, reason=reason
    )


def describe_failure(error: BaseException) -> str:
    """Return the kind of *error* and the lines it came through, without its message and without any value."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{frames}{type(error).__module__}.{type(error).__qualname__}"
