"""What every Jobs does."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.dicom.references import InstanceRef
from shared.errors import JobNotFoundError
from shared.ports.jobs import FAILED, ItemState, Job, JobItem, Jobs


def a_job(count: int) -> tuple[Job, list[JobItem]]:
    """Return a job of *count* items that nobody else has."""
    job_id = uuid.uuid4().hex
    parameters = (("mask", "0,0,1,1"), ("mask", "2,2,3,3"), ("toPartition", "re/search #1"))
    items = [
        JobItem(number, InstanceRef("1.2", "1.2.3", f"1.2.3.{number}")) for number in range(1, count + 1)
    ]
    return Job(job_id, "default", parameters, datetime.now(UTC), count), items


def _after(seconds: int) -> datetime:
    """Return a time after every other test's jobs."""
    return datetime(2199, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, milliseconds=uuid.uuid4().int % 1000)


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

        found = [item async for item in jobs.items(job.job_id)]
        assert [replace(item, changed_at=None) for item in found] == [done, items[1], failed]
        assert [item.changed_at is not None for item in found] == [True, False, True]
        assert await jobs.item(job.job_id, 3) == found[2]
        with pytest.raises(JobNotFoundError):
            await jobs.item(job.job_id, 4)

    async def test_an_item_needs_no_instance(self, jobs: Jobs) -> None:
        """A source's name and what became known of it come back."""
        job, _ = a_job(0)
        item = JobItem(1, source="images/a b/ü.dcm", counts={"bytes": 2**40}, facts={"sha256": "00"})
        await jobs.create(job, [item])

        assert [found async for found in jobs.items(job.job_id)] == [item]

    async def test_items_found_twice_are_kept_as_they_were(self, jobs: Jobs) -> None:
        """A discovery that is done again after a crash adds what is missing, and takes nothing back."""
        job, items = a_job(5)
        await jobs.create(replace(job, item_count=0), [])
        await jobs.add_items(job.job_id, items[:3])
        await jobs.put_item(job.job_id, replace(items[1], state=ItemState.DONE))
        await jobs.add_items(job.job_id, items)

        found = [item async for item in jobs.items(job.job_id)]
        assert [item.number for item in found] == [1, 2, 3, 4, 5]
        assert [item.state is ItemState.DONE for item in found] == [False, True, False, False, False]

    async def test_one_of_many_advances_a_job(self, jobs: Jobs) -> None:
        """From the phase that was expected, once; what the others would have noted is not."""
        job, _ = a_job(0)
        await jobs.create(replace(job, phase="queued", facts={"kept": "1"}), [])
        told = await asyncio.gather(
            *(
                jobs.advance(
                    job.job_id, expected="queued", phase="sending", item_count=n, facts={"by": str(n)}
                )
                for n in range(1, 6)
            )
        )

        assert sorted(told) == [False] * 4 + [True]
        now = await jobs.get(job.job_id)
        assert now.phase == "sending"
        assert now.facts == {"kept": "1", "by": str(now.item_count)}
        assert told[now.item_count - 1]
        assert now.changed_at is not None

    async def test_an_ended_job_says_why(self, jobs: Jobs) -> None:
        """And no job that never was is ended."""
        job, _ = a_job(0)
        await jobs.create(job, [])
        assert await jobs.advance(job.job_id, expected="running", phase=FAILED, error="metadata: status 403")

        assert (await jobs.get(job.job_id)).error == "metadata: status 403"
        with pytest.raises(JobNotFoundError):
            await jobs.advance(uuid.uuid4().hex, expected="running", phase=FAILED)

    async def test_the_newest_jobs_come_first(self, jobs: Jobs) -> None:
        """As many as were asked for, of one kind or of all."""
        kind = f"kind-{uuid.uuid4().hex}"
        made = []
        for number in range(4):
            job, _ = a_job(0)
            made.append(replace(job, kind=kind if number % 2 else "other", created_at=_after(number)))
            await jobs.create(made[-1], [])

        assert await jobs.recent(10, kind) == [made[3], made[1]]
        assert await jobs.recent(3) == [made[3], made[2], made[1]]
        assert await jobs.recent(3, without={made[2].job_id}) == [made[3], made[1]]

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
