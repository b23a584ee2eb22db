"""What becomes of one message, against queues that only take notes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from localhost.queue_listener import QueueListener
from localhost.settings import QueueOptions

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage
    from azure.storage.queue.aio import QueueClient

OPTIONS = QueueOptions(
    lease=60,
    batch_size=4,
    new_batch_threshold=2,
    max_dequeue_count=3,
    visibility_timeout=7,
    max_polling_interval=0.1,
    base64=True,
)


class _FakeQueue:
    """A queue that gives one message once and notes what is done."""

    def __init__(self, message: SimpleNamespace | None = None, *, missing: bool = False) -> None:
        self.queue_name = "q"
        self.notes: list[tuple[str, Any]] = []
        self.noted = asyncio.Event()
        self._messages = [] if message is None else [message]
        self._missing = missing

    async def create_queue(self) -> None:
        self._missing = False

    def receive_messages(self, **_: object) -> Any:
        async def pages() -> Any:
            while self._messages:
                yield self._messages.pop()

        return pages()

    async def send_message(self, content: str) -> None:
        if self._missing:
            raise ResourceNotFoundError
        self.notes.append(("send", content))

    async def delete_message(self, message_id: str, receipt: str) -> None:
        self.notes.append(("delete", (message_id, receipt)))
        self.noted.set()

    async def update_message(self, _id: str, _receipt: str, visibility_timeout: int) -> SimpleNamespace:
        self.notes.append(("visible in", visibility_timeout))
        self.noted.set()
        return SimpleNamespace(pop_receipt="r2")


async def _run(tries: int, outcome: str, content: str = "aGk=") -> tuple[list[Any], list[Any], list[bytes]]:
    """Return what was done to the queue, to its poison queue, and what the handler was given."""
    message = SimpleNamespace(id="m", pop_receipt="r1", dequeue_count=tries, content=content)
    queue, poison, handled = _FakeQueue(message), _FakeQueue(missing=True), []

    async def handle(_message: QueueMessage, content: bytes) -> bool:
        handled.append(content)
        if outcome == "storage failed":
            raise HttpResponseError
        return outcome == "succeeds"

    listener = QueueListener(cast("QueueClient", queue), cast("QueueClient", poison), OPTIONS, handle)
    await listener.start()
    async with asyncio.timeout(10):
        await queue.noted.wait()
    await listener.stop(1)
    return queue.notes, poison.notes, handled


DELETED = [("delete", ("m", "r1"))]


@pytest.mark.parametrize(
    ("tries", "outcome", "expected"),
    [
        (1, "succeeds", (DELETED, [], [b"hi"])),
        (2, "fails", ([("visible in", 7)], [], [b"hi"])),
        (3, "fails", (DELETED, [("send", "aGk=")], [b"hi"])),
        (4, "succeeds", (DELETED, [("send", "aGk=")], [])),
        (1, "storage failed", ([("visible in", 7)], [], [b"hi"])),
    ],
    ids=["done", "again", "last try", "died too often", "storage failed"],
)
async def test_outcomes(tries: int, outcome: str, expected: Any) -> None:
    """Done is deleted, failed comes back, failed or died too often is poisoned; the poison queue is made when missing."""
    assert await _run(tries, outcome) == expected


@pytest.mark.parametrize("content", ["%%%", "aGk", "a é"])
async def test_what_cannot_be_decoded_is_poisoned_at_once(content: str) -> None:
    """Text that is no base64 never reaches the function and is kept as it came."""
    assert await _run(1, "succeeds", content) == (DELETED, [("send", content)], [])
