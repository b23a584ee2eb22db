"""Whether a request is made again, and when. It makes none.

Source: RFC 9110 §10.2.3, Retry-After; §15, status codes
"""

import email.utils
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_AGAIN: Final = frozenset({408, 425, 429})
_JITTER: Final = 0.25
_HTTP_DATE: Final = "GMT"


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long is waited, in seconds: *first* before the second try, then twice as long each time, up to *longest*."""

    first: float
    longest: float
    random: Callable[[], float] = random.random

    def before(self, following: int, retry_after: float | None) -> float:
        """Return the wait before try number *following*, from 2: what the partner asks for, if that is longer."""
        wait = min(self.first * float(2 ** (following - 2)), self.longest)
        wait += wait * _JITTER * self.random()
        return max(wait, retry_after or 0)


def is_worth_another_try(status: int) -> bool:
    """Tell whether the same request may be answered otherwise later."""
    return status in _AGAIN or status >= 500


def seconds_of(retry_after: str | None, now: datetime) -> float | None:
    """Return how long a Retry-After asks to wait: it holds seconds, or a date. None where it makes no sense."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    if not text.endswith(_HTTP_DATE):
        return None
    try:
        until = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((until.replace(tzinfo=UTC) - now).total_seconds(), 0)
