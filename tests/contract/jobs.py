"""What every Jobs does."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.dicom.references import InstanceRef
from shared.errors import JobNotFoundError
from shared.job_ports import ItemState, Job, JobItem, Jobs


def a_job(count: int) -> tuple[Job, list[JobItem]]:
    """Return a job of *count* items that nobody else has."""
    job_id = uuid.uuid4().hex
    parameters = (("mask", "0,0,1,1"), ("mask", "2,2,3,3"), ("toPartition", "re/search #1"))
    items = [
        JobItem(number, InstanceRef("1.2", "1.2.3", f"1.2.3.{number}")) for number in range(1, count + 1)
    ]
    return Job(job_id, "default", parameters, datetime.now(UTC), count), items


class JobsContract:
    """An adapter's test file overrides one fixture."""

    @pytest.fixture
    def jobs(self) -> Jobs:
        raise NotImplementedError

    async def test_a_job_comes_back_as_it_was_made(self, jobs: Jobs) -> None:
        """With its parameters in order, and its items by number, however many there are."""
        job, items = a_job(120)
        await jobs.create(job, items)

        assert await jobs.get(job.job_id) == job
        assert [item async for item in jobs.items(job.job_id)] == items

    async def test_an_item_is_as_it_was_written_last(self, jobs: Jobs) -> None:
        """Its state, where it is written, why it failed; no other item changes."""
        job, items = a_job(3)
        await jobs.create(job, items)
        done = replace(items[0], state=ItemState.DONE, output="research/1.2.dcm", counts={"X": 4, "U": 9})
        failed = replace(items[2], state=ItemState.FAILED, error="BurnedInPixelsError: (0028,0301)")
        for item in (items[0], done, failed):
            await jobs.put_item(job.job_id, item)

        assert [item async for item in jobs.items(job.job_id)] == [done, items[1], failed]

    async def test_a_secret_is_kept_until_it_is_destroyed(self, jobs: Jobs) -> None:
        """The job and its items stay; destroying it again, or where there is none, is no error."""
        job, items = a_job(2)
        await jobs.create(job, items, key=b"\0\1secret")
        assert await jobs.key(job.job_id) == b"\0\1secret"

        for _ in range(2):
            await jobs.forget_key(job.job_id)
            assert await jobs.key(job.job_id) == b""
        assert await jobs.get(job.job_id) == job
        assert [item async for item in jobs.items(job.job_id)] == items

    async def test_a_job_that_never_was_is_not_found(self, jobs: Jobs) -> None:
        """Neither it nor its items."""
        with pytest.raises(JobNotFoundError):
            await jobs.get(uuid.uuid4().hex)
        with pytest.raises(JobNotFoundError):
            await anext(aiter(jobs.items(uuid.uuid4().hex)))
