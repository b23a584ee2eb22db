"""Poison queues in lists. A message taken stays hidden until `show_again` is called."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from shared.ports.poison import PoisonMessage


class MemoryPoisonQueues:
    """A PoisonQueues whose *sent* messages a test takes from."""

    def __init__(self) -> None:
        self._messages: dict[str, PoisonMessage] = {}
        self._hidden: set[str] = set()
        self.sent: list[tuple[str, bytes]] = []

    def give_up(self, queue: str, content: bytes) -> None:
        """Do as the host does with a message that failed too often."""
        name = f"message-{len(self._messages)}"
        self._messages[name] = PoisonMessage(queue, name, "", content, datetime.now(UTC), 0)

    def show_again(self) -> None:
        """Do as time does with messages that were taken and not removed."""
        self._hidden.clear()

    async def take(self, queue: str, limit: int) -> Sequence[PoisonMessage]:
        """Take messages given up of *queue*."""
        taken: list[PoisonMessage] = []
        for name, message in self._messages.items():
            if message.queue == queue and name not in self._hidden and len(taken) < limit:
                count = message.taken + 1
                self._messages[name] = replace(message, taken=count, receipt=f"{name}-{count}")
                taken.append(self._messages[name])
        self._hidden.update(message.message_id for message in taken)
        return taken

    async def remove(self, message: PoisonMessage) -> None:
        """Remove a message that nobody took since."""
        there = self._messages.get(message.message_id)
        if there is not None and there.receipt == message.receipt:
            del self._messages[message.message_id]

    async def send_back(self, queue: str, content: bytes) -> None:
        """Send a message to its queue."""
        self.sent.append((queue, content))
