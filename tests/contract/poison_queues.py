"""What every PoisonQueues does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from shared.ports.poison import PoisonQueues

GiveUp = Callable[[bytes], Awaitable[None]]
QUEUE = "work-of-a-test"


class PoisonQueuesContract:
    """An adapter's test file overrides three fixtures."""

    @pytest.fixture
    def poison(self) -> PoisonQueues:
        raise NotImplementedError

    @pytest.fixture
    def give_up(self) -> GiveUp:
        """Do as the host does with a message that failed too often."""
        raise NotImplementedError

    @pytest.fixture
    def sent_back(self) -> Callable[[], Awaitable[list[bytes]]]:
        """Return what lies in the queue itself."""
        raise NotImplementedError

    async def test_what_was_given_up_is_taken_once(self, poison: PoisonQueues, give_up: GiveUp) -> None:
        """Each message with its content and time; nobody else gets it meanwhile."""
        for number in range(3):
            await give_up(b'{"n": %d}' % number)
        first = await poison.take(QUEUE, 2)
        second = await poison.take(QUEUE, 2)

        assert [len(first), len(second)] == [2, 1]
        taken = [*first, *second]
        assert sorted(message.content for message in taken) == [b'{"n": 0}', b'{"n": 1}', b'{"n": 2}']
        assert {message.queue for message in taken} == {QUEUE}
        assert {message.taken for message in taken} == {1}
        assert len({message.message_id for message in taken}) == 3
        assert all(message.inserted_at.tzinfo is not None for message in taken)
        assert await poison.take(QUEUE, 2) == []

    async def test_a_message_is_removed_by_who_has_it(self, poison: PoisonQueues, give_up: GiveUp) -> None:
        """Twice is no error; an old receipt removes nothing and is none either."""
        await give_up(b"x")
        [message] = await poison.take(QUEUE, 1)
        await poison.remove(replace(message, receipt="AAAAAAAAAAAAAAAA"))
        for _ in range(2):
            await poison.remove(message)

        assert await poison.take(QUEUE, 1) == []

    async def test_a_queue_without_poison_has_none(self, poison: PoisonQueues) -> None:
        """That the host never made its poison queue is no error."""
        assert await poison.take("nobody-failed-here", 5) == []

    async def test_a_message_goes_back_as_it_was(
        self,
        poison: PoisonQueues,
        give_up: GiveUp,
        sent_back: Callable[[], Awaitable[list[bytes]]],
    ) -> None:
        """Byte for byte, also what is no text."""
        content = bytes(range(256))
        await give_up(content)
        [message] = await poison.take(QUEUE, 1)
        await poison.send_back(QUEUE, message.content)

        assert await sent_back() == [content]
