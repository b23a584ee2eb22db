"""Hold the part of an object that is being read, and load more of it by range reads. It parses nothing."""

from collections.abc import Awaitable, Callable
from typing import Final

from shared.errors import ObjectChangedError, UnsupportedObjectError

type Fetch = Callable[[int, int], Awaitable[bytes]]
"""Fetch the half-open byte range [start, end) of one object; fewer bytes only at the object's end."""

FIRST_READ: Final = 64 * 1024
LARGEST_READ: Final = 4 * 1024 * 1024


class ByteWindow:
    """A contiguous run of an object's bytes, which moves forward.

    `data[0]` is the object's byte number `start`. Reads grow while they are contiguous and begin small again after a
    jump, so that skipping a large value costs one small read behind it.

    Args:
        fetch: reads a range of the object.
        size: length of the object in bytes.
        data: bytes of the object that are in hand already.
        start: where these lie, in bytes from the object's start.
        budget: how many bytes may be fetched in all; None for any number.
    """

    __slots__ = ("_budget", "_fetch", "_fetched", "_next_read", "data", "size", "start")

    def __init__(
        self, fetch: Fetch, size: int, *, data: bytes = b"", start: int = 0, budget: int | None = None
    ) -> None:
        self._fetch = fetch
        self._budget = budget
        self._fetched = 0
        self._next_read = FIRST_READ
        self.size = size
        self.start = start
        self.data = data[: size - start]

    @property
    def end(self) -> int:
        """Where the loaded bytes end, in bytes from the object's start."""
        return self.start + len(self.data)

    def shown(self, start: int, end: int) -> bytes:
        """Return what is loaded of the bytes [start, end)."""
        return self.data[max(start - self.start, 0) : max(end - self.start, 0)]

    async def load(self, start: int, end: int, *, ahead: int | None = None) -> None:
        """Make the bytes [start, end) available; when more must be fetched, drop what lies before `start`.

        Args:
            start: first byte, in bytes from the object's start.
            end: behind the last byte; nothing beyond the object's end is loaded.
            ahead: how many bytes at least to fetch at once; by default 64 KiB, doubled with every contiguous read.

        Raises:
            ObjectChangedError: the object is shorter than it was said to be.
            UnsupportedObjectError: the budget is spent.
        """
        end = min(end, self.size)
        if start >= end or (self.start <= start and end <= self.end):
            return
        kept = b""
        if self.start <= start <= self.end:
            kept = self.data[start - self.start :]
        else:
            self._next_read = FIRST_READ
        fetch_from = start + len(kept)
        fetch_to = min(self.size, max(end, fetch_from + (ahead or self._next_read)))
        self._next_read = min(2 * self._next_read, LARGEST_READ)
        self.data = kept + await self.fetch(fetch_from, fetch_to)
        self.start = start

    async def fetch(self, start: int, end: int) -> bytes:
        """Return the bytes [start, end), which must lie inside the object, without moving the window.

        Raises:
            ObjectChangedError: fewer bytes came than were asked for.
            UnsupportedObjectError: the budget is spent.
        """
        if self.start <= start and end <= self.end:
            return self.data[start - self.start : end - self.start]
        self._fetched += end - start
        if self._budget is not None and self._fetched > self._budget:
            raise UnsupportedObjectError(
                f"More than {self._budget} bytes would have to be fetched, at offset {start} of {self.size}."
            )
        data = await self._fetch(start, end)
        if len(data) < end - start:
            raise ObjectChangedError(
                f"Bytes {start} to {end} were asked of an object of {self.size} bytes, but only {len(data)} came."
            )
        return data[: end - start]
