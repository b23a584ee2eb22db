"""Queues of which a test says what waits in them."""

from collections.abc import Sequence

from shared.ports.queue_gauges import Waiting


class MemoryQueueGauges:
    """A QueueGauges that answers *found*."""

    def __init__(self) -> None:
        self.found: list[Waiting] = []

    async def waiting(self) -> Sequence[Waiting]:
        """Return what waits in each queue."""
        return list(self.found)
