"""Azure Storage queues keep the contract of a job queue."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator

import pytest
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from shared.backends.azure_options import request_options
from shared.backends.storage_queue import STUDY_CHANGED, StorageJobQueue
from shared.dicom.references import StudyRef
from shared.errors import BackendUnavailableError
from tests.contract.job_queue import JobQueueContract, TakeJobs

pytestmark = pytest.mark.azurite


class TestStorageJobQueue(JobQueueContract):
    """StorageJobQueue on Azurite."""

    @pytest.fixture
    async def service(self, azurite: str) -> AsyncIterator[QueueServiceClient]:
        async with QueueServiceClient.from_connection_string(azurite, **request_options(30)) as service:
            yield service

    @pytest.fixture
    async def client(self, service: QueueServiceClient) -> AsyncIterator[QueueClient]:
        client = service.get_queue_client(STUDY_CHANGED)
        await client.create_queue()
        yield client
        await client.delete_queue()

    @pytest.fixture
    def queue(self, service: QueueServiceClient, client: QueueClient) -> StorageJobQueue:
        return StorageJobQueue(service, "default")

    @pytest.fixture
    def take_jobs(self, client: QueueClient) -> TakeJobs:
        async def take_jobs(count: int) -> list[str]:
            taken: list[str] = []
            async with asyncio.timeout(20):
                while len(taken) < count:
                    async for message in client.receive_messages():
                        taken.append(json.loads(base64.b64decode(message.content))["study_instance_uid"])
                        await client.delete_message(message)
                    await asyncio.sleep(0.1)
            return taken

        return take_jobs

    async def test_a_burst_of_changes_is_one_message(
        self, queue: StorageJobQueue, client: QueueClient
    ) -> None:
        """Changes one behind the other or at once send one message, of the form that the trigger reads."""
        await asyncio.gather(*(queue.study_changed(StudyRef("1.2.3")) for _ in range(10)))
        await queue.study_changed(StudyRef("1.2.3"))

        assert (await client.get_queue_properties()).approximate_message_count == 1
        assert await client.peek_messages() == []
        await asyncio.sleep(1.5)
        (message,) = await client.peek_messages()
        assert json.loads(base64.b64decode(message.content)) == {
            "study_instance_uid": "1.2.3",
            "partition": "default",
        }

    async def test_a_missing_queue_is_an_error(self, queue: StorageJobQueue, client: QueueClient) -> None:
        """A change that could not be announced is not taken for announced."""
        await client.delete_queue()
        for _ in range(2):
            with pytest.raises(BackendUnavailableError):
                await queue.study_changed(StudyRef("1.2.3"))
        await client.create_queue()
        await queue.study_changed(StudyRef("1.2.3"))

        assert (await client.get_queue_properties()).approximate_message_count == 1
