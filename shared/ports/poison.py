"""The port of messages that failed too often, and the values it exchanges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PoisonMessage:
    """A message that the host gave up."""

    queue: str
    """The queue that it was meant for, not the poison queue it lies in."""
    message_id: str
    receipt: str
    """Changes each time it is taken; who has an older one may not remove it."""
    content: bytes
    inserted_at: datetime
    """When it was given up."""
    taken: int
    """How often it was taken from the poison queue, this time included."""


class PoisonQueues(Protocol):
    """The poison queues beside the queues that the app works on."""

    async def take(self, queue: str, limit: int) -> Sequence[PoisonMessage]:
        """Take at most *limit* (32) messages given up of *queue*; nobody else sees them for two minutes.

        A poison queue that is not there has none.
        """
        ...

    async def remove(self, message: PoisonMessage) -> None:
        """Remove a message that was taken; that somebody took it since, or removed it, is no error."""
        ...

    async def send_back(self, queue: str, content: bytes) -> None:
        """Send a message to *queue* itself, as it was sent the first time."""
        ...
