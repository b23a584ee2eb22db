"""Jobs in memory and on Azure tables keep their contract; the queue hands a job to its consumer."""

from __future__ import annotations

import base64
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from shared.backends.azure_http.account import by_connection_string
from shared.backends.azure_options import request_options
from shared.backends.azure_table.jobs import AzureTableJobs
from shared.backends.azure_table.tables import Tables
from shared.backends.memory.jobs import MemoryJobs, MemoryWorkQueue
from shared.backends.work_queue import StorageWorkQueue
from shared.errors import BackendUnavailableError
from tests.contract.counted_requests import counted_archive
from tests.contract.jobs import JobsContract, a_job
from tests.contract.records import fresh_name


class TestMemoryJobs(JobsContract):
    """MemoryJobs."""

    @pytest.fixture
    def jobs(self) -> MemoryJobs:
        return MemoryJobs()


@pytest.mark.azurite
class TestAzureTableJobs(JobsContract):
    """AzureTableJobs on Azurite."""

    @pytest.fixture
    async def jobs(self, azurite: str) -> AsyncIterator[AzureTableJobs]:
        async with TableServiceClient.from_connection_string(azurite) as service:
            with contextlib.suppress(ResourceExistsError):
                await service.create_table("jobs")
        async with by_connection_string(azurite, "table", 30) as http:
            yield AzureTableJobs(Tables(http))


@pytest.mark.azurite
async def test_jobs_that_are_left_out_cost_no_request(azurite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks again and again at what goes on asks once for the list, and once for each job that is of interest."""
    async with TableServiceClient.from_connection_string(azurite) as service:
        with contextlib.suppress(ResourceExistsError):
            await service.create_table("jobs")
    kind = f"kind-{uuid.uuid4().hex}"
    async with counted_archive(azurite, fresh_name("jobs"), monkeypatch) as counted:
        jobs = AzureTableJobs(counted.tables)
        made = [replace(a_job(0)[0], kind=kind) for _ in range(12)]
        for job in made:
            await jobs.create(job, [])
        counted.taken()
        ended = {job.job_id for job in made[1:]}
        assert await jobs.recent(100, kind, without=ended) == [made[0]]
        assert counted.taken() == ["GET table jobs"] * 2


async def test_a_job_in_memory_waits_for_its_consumer() -> None:
    """In the order they were sent."""
    queue = MemoryWorkQueue()
    await queue.send("one")
    await queue.send("two")
    await queue.send("two", 7)

    assert queue.sent == ["one", "two"]
    assert queue.sent_items == [("two", 7)]


@pytest.mark.azurite
async def test_a_job_is_a_message_of_the_form_that_the_trigger_reads(azurite: str) -> None:
    """And a queue that is missing is said to be."""
    async with QueueServiceClient.from_connection_string(azurite, **request_options(30)) as service:
        client = service.get_queue_client("work-of-a-test")
        with pytest.raises(BackendUnavailableError, match="make it"):
            await StorageWorkQueue(service, "work-of-a-test").send("one")
        await client.create_queue()
        await StorageWorkQueue(service, "work-of-a-test").send("one")
        await StorageWorkQueue(service, "work-of-a-test").send("one", 7)
        messages = [message async for message in client.receive_messages(messages_per_page=2)]
        await client.delete_queue()

    found = [json.loads(base64.b64decode(message.content)) for message in messages]
    assert found == [{"job": "one"}, {"job": "one", "item": 7}]
