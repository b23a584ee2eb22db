"""Keep the keys that an issuer signs its tokens with, and follow when it changes them. It checks no token."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from shared.errors import BackendUnavailableError, PermanentError, TransientError, UnauthenticatedError

type Json = Mapping[str, Any]
type FetchKeys = Callable[[], Awaitable[list[Json]]]
"""Reads the issuer's keys as JSON Web Keys; raises an error of the product."""

REFRESH_SECONDS: Final = 6 * 3600
"""Age from which on keys are fetched again while the old ones still serve."""
RETRY_SECONDS: Final = 10
"""How long nothing is fetched after it failed."""
_MAX_KEYS: Final = 100


class SigningKeys:
    """The keys of one issuer, by `kid`. Whoever needs them while they are being fetched waits for the same answer."""

    def __init__(
        self,
        fetch: FetchKeys,
        *,
        most_seconds: float,
        refetch_seconds: float = 60,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Fetch nothing yet.

        Args:
            fetch: Reads the keys.
            most_seconds: Age up to which keys serve while the issuer does not answer.
            refetch_seconds: How often, at most, a token with an unknown key makes the keys be fetched.
            clock: In seconds.
        """
        self._fetch = fetch
        self._most = most_seconds
        self._refetch = refetch_seconds
        self._clock = clock
        self._keys: dict[str, Json] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._failed_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def get(self, kid: str) -> Json:
        """Return the key of an id.

        Raises:
            UnauthenticatedError: The issuer has no such key.
            BackendUnavailableError: It does not answer, and what is known of its keys is too old.
        """
        now = self._clock()
        if now - self._fetched_at > self._most:
            await self._fetched()
            if now - self._fetched_at > self._most:
                raise BackendUnavailableError("the issuer of the tokens does not give out its keys")
        elif now - self._fetched_at > REFRESH_SECONDS:
            self._begin()
        if kid not in self._keys:
            await self._looked_for(now)
        if kid not in self._keys:
            raise UnauthenticatedError("the token is signed with a key that its issuer does not have")
        return self._keys[kid]

    async def _looked_for(self, now: float) -> None:
        """Wait for the keys that are being fetched; else fetch them, if that was not done lately for this reason."""
        if self._is_fetching():
            await self._fetched()
        elif now - self._tried_at >= self._refetch:
            self._tried_at = now
            await self._fetched()

    def _is_fetching(self) -> bool:
        return self._fetching is not None and not self._fetching.done()

    async def _fetched(self) -> None:
        fetching = self._begin()
        if fetching is not None:
            # Whoever leaves takes nothing away from those who wait for the same keys.
            await asyncio.shield(fetching)

    def _begin(self) -> asyncio.Task[None] | None:
        if self._fetching is not None and not self._fetching.done():
            return self._fetching
        if self._clock() - self._failed_at < RETRY_SECONDS:
            return None
        self._fetching = asyncio.create_task(self._replace())
        return self._fetching

    async def _replace(self) -> None:
        """Take the issuer's keys; where that fails, the old ones stay."""
        try:
            keys = await self._fetch()
        except (PermanentError, TransientError):
            self._failed_at = self._clock()
            return
        found = {
            key["kid"]: key
            for key in keys[:_MAX_KEYS]
            if isinstance(key.get("kid"), str) and key.get("use", "sig") == "sig"
        }
        if not found:
            self._failed_at = self._clock()
            return
        self._keys, self._fetched_at = found, self._clock()
