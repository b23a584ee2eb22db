"""Poison queues in memory and on Azure Storage keep their contract."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from azure.storage.queue.aio import QueueServiceClient

from shared.backends.azure_options import request_options
from shared.backends.memory.poison_queues import MemoryPoisonQueues
from shared.backends.poison_queues import StoragePoisonQueues
from shared.errors import BackendUnavailableError
from tests.contract.poison_queues import QUEUE, GiveUp, PoisonQueuesContract


class TestMemoryPoisonQueues(PoisonQueuesContract):
    """MemoryPoisonQueues."""

    @pytest.fixture
    def poison(self) -> MemoryPoisonQueues:
        return MemoryPoisonQueues()

    @pytest.fixture
    def give_up(self, poison: MemoryPoisonQueues) -> GiveUp:
        async def give_up(content: bytes) -> None:
            poison.give_up(QUEUE, content)

        return give_up

    @pytest.fixture
    def sent_back(self, poison: MemoryPoisonQueues) -> Callable[[], Awaitable[list[bytes]]]:
        async def sent_back() -> list[bytes]:
            return [content for queue, content in poison.sent if queue == QUEUE]

        return sent_back


@pytest.mark.azurite
class TestStoragePoisonQueues(PoisonQueuesContract):
    """StoragePoisonQueues on Azurite."""

    @pytest.fixture
    async def service(self, azurite: str) -> AsyncIterator[QueueServiceClient]:
        async with QueueServiceClient.from_connection_string(azurite, **request_options(30)) as service:
            for name in (QUEUE, f"{QUEUE}-poison"):
                await service.create_queue(name)
            yield service
            for name in (QUEUE, f"{QUEUE}-poison"):
                await service.delete_queue(name)

    @pytest.fixture
    def poison(self, service: QueueServiceClient) -> StoragePoisonQueues:
        return StoragePoisonQueues(service)

    @pytest.fixture
    def give_up(self, service: QueueServiceClient) -> GiveUp:
        async def give_up(content: bytes) -> None:
            client = service.get_queue_client(f"{QUEUE}-poison")
            await client.send_message(base64.b64encode(content).decode())

        return give_up

    @pytest.fixture
    def sent_back(self, service: QueueServiceClient) -> Callable[[], Awaitable[list[bytes]]]:
        async def sent_back() -> list[bytes]:
            found = service.get_queue_client(QUEUE).receive_messages()
            return [base64.b64decode(message.content) async for message in found]

        return sent_back

    async def test_a_message_that_is_no_base64_is_taken_as_it_is(
        self, service: QueueServiceClient, poison: StoragePoisonQueues
    ) -> None:
        """People send messages by hand, too."""
        await service.get_queue_client(f"{QUEUE}-poison").send_message("{not base64}")
        [message] = await poison.take(QUEUE, 1)

        assert message.content == b"{not base64}"

    async def test_a_queue_that_does_not_answer_is_said(self) -> None:
        """As an error that trying again may help."""
        nowhere = (
            "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=AA==;QueueEndpoint=http://127.0.0.1:9/a;"
        )
        options = request_options(2) | {"retry_total": 0}
        async with QueueServiceClient.from_connection_string(nowhere, **options) as service:
            with pytest.raises(BackendUnavailableError, match="did not answer"):
                await StoragePoisonQueues(service).take(QUEUE, 1)
