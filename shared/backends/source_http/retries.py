"""Try again what may succeed then, no sooner than the source asks for. It knows no request."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from shared.errors import SourceUnavailableError

_LONGEST_WAIT: Final = 60.0


class BusyError(SourceUnavailableError):
    """A source that says when to come back: *retry_after* in seconds, None if it does not."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def seconds_of(retry_after: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, given as such or as a date; None if it cannot be read.

    Source: RFC 9110 §10.2.3
    """
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max((at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds(), 0.0)


def now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)


async def with_retries[Result](
    attempt: Callable[[], Awaitable[Result]], *, attempts: int, first_wait_seconds: float
) -> Result:
    """Return what *attempt* returns, trying again after SourceUnavailableError.

    A source that asks for more than a minute is not waited for: its error is raised at once.
    """
    backoff = wait_random_exponential(multiplier=first_wait_seconds, max=30)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        asked = error.retry_after if isinstance(error, BusyError) else None
        return backoff(state) if asked is None else asked

    def is_over(state: RetryCallState) -> bool:
        return stop_after_attempt(attempts)(state) or wait(state) > _LONGEST_WAIT

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(SourceUnavailableError), wait=wait, stop=is_over, reraise=True
    )
    return await retrying(attempt)
