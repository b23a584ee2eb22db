"""shared/backends/storage_queue.py."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import cast

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.storage.queue.aio import QueueServiceClient

from shared.backends import storage_queue
from shared.backends.storage_queue import StorageJobQueue
from shared.dicom.references import StudyRef
from shared.errors import BackendUnavailableError


class _Queue:
    """Keeps what is sent; fails while told to, and waits until *gate* opens."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []
        self.fails = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def send_message(self, content: str, *, visibility_timeout: int) -> None:
        await self.gate.wait()
        if self.fails:
            raise ServiceRequestError("cannot connect")
        self.sent.append((json.loads(base64.b64decode(content))["study_instance_uid"], visibility_timeout))

    def get_queue_client(self, _name: str) -> _Queue:
        return self


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def sent_to() -> _Queue:
    """Return what stands for the queue."""
    return _Queue()


@pytest.fixture
def clock() -> _Clock:
    """Return a clock that stands until it is set."""
    return _Clock()


@pytest.fixture
def queue(sent_to: _Queue, clock: _Clock) -> StorageJobQueue:
    """Return the adapter that sends to `sent_to`."""
    return StorageJobQueue(cast("QueueServiceClient", sent_to), "default", clock=clock)


A, B = StudyRef("1.2.3"), StudyRef("1.2.3.4")


async def test_one_message_stands_for_all_changes_before_it_is_visible(
    queue: StorageJobQueue, sent_to: _Queue, clock: _Clock
) -> None:
    """Within the delay a study has one message; from its end on the next change sends another."""
    for at, ref in ((100.0, A), (100.5, A), (100.5, B), (100.99, A), (101.0, A), (101.1, B), (101.6, B)):
        clock.now = at
        await queue.study_changed(ref)

    assert sent_to.sent == [("1.2.3", 1), ("1.2.3.4", 1), ("1.2.3", 1), ("1.2.3.4", 1)]


async def test_the_delay_counts_from_before_the_request(
    queue: StorageJobQueue, sent_to: _Queue, clock: _Clock
) -> None:
    """A message that took long to send may be visible already, so it stands for nothing that comes later."""
    sent_to.gate.clear()
    first = asyncio.create_task(queue.study_changed(A))
    await asyncio.sleep(0)
    clock.now += 1
    sent_to.gate.set()
    await first
    await queue.study_changed(A)

    assert len(sent_to.sent) == 2


async def test_a_change_is_announced_when_its_message_is_in_the_queue(
    queue: StorageJobQueue, sent_to: _Queue
) -> None:
    """A change that relies on another's message waits until that is sent, and fails with it."""
    sent_to.gate.clear()
    sent_to.fails = True
    calls = [asyncio.create_task(queue.study_changed(A)) for _ in range(3)]
    await asyncio.sleep(0.01)
    assert not any(call.done() for call in calls)

    sent_to.gate.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [BackendUnavailableError] * 3 == [type(result) for result in results]
    sent_to.fails = False
    await queue.study_changed(A)
    assert sent_to.sent == [("1.2.3", 1)]


async def test_a_caller_who_gives_up_takes_no_message_away(queue: StorageJobQueue, sent_to: _Queue) -> None:
    """Cancelling the change that sends does not cancel the message that another change relies on."""
    sent_to.gate.clear()
    first, second = (asyncio.create_task(queue.study_changed(A)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    sent_to.gate.set()
    await second

    assert sent_to.sent == [("1.2.3", 1)]


async def test_what_is_remembered_is_bounded(
    queue: StorageJobQueue, sent_to: _Queue, clock: _Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only messages not yet visible are remembered, and no more than a fixed number of them."""
    monkeypatch.setattr(storage_queue, "_MAX_REMEMBERED", 5)
    for number in range(20):
        await queue.study_changed(StudyRef(f"1.{number}"))
    assert len(queue._sendings) == 5

    clock.now += 2
    await queue.study_changed(A)
    assert list(queue._sendings) == [A]
    assert len(sent_to.sent) == 21
