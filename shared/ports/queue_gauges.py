"""The port of what is measured at intervals, and the values it exchanges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in a queue: *messages* about, the first of them for *age_seconds*."""

    queue: str
    messages: int
    age_seconds: float


class QueueGauges(Protocol):
    """The queues of the archive, looked at from outside."""

    async def waiting(self) -> Sequence[Waiting]:
        """Return what waits in each queue, poison queues too; no message is taken."""
        ...
