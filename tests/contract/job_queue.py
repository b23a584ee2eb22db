"""What every JobQueue does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from shared.dicom.references import StudyRef
from shared.ports.archive import JobQueue

type TakeJobs = Callable[[int], Awaitable[list[str]]]
"""Takes jobs past the port, as a consumer: StudyInstanceUIDs. Waits for at least so many, at most a few seconds."""


class JobQueueContract:
    """An adapter's test file overrides two fixtures: a queue, empty at first, and a consumer of it."""

    @pytest.fixture
    def queue(self) -> JobQueue:
        raise NotImplementedError

    @pytest.fixture
    def take_jobs(self) -> TakeJobs:
        raise NotImplementedError

    async def test_a_changed_study_is_handed_to_a_consumer(
        self, queue: JobQueue, take_jobs: TakeJobs
    ) -> None:
        """What is asked for arrives, each study by itself."""
        await queue.study_changed(StudyRef("1.2.3"))
        await queue.study_changed(StudyRef("1.2.3.4"))

        assert sorted(await take_jobs(2)) == ["1.2.3", "1.2.3.4"]

    async def test_a_change_after_a_job_was_taken_is_a_new_job(
        self, queue: JobQueue, take_jobs: TakeJobs
    ) -> None:
        """A consumer that has begun may have missed the change, so it must hear of it again."""
        await queue.study_changed(StudyRef("1.2.3"))
        await take_jobs(1)
        await queue.study_changed(StudyRef("1.2.3"))

        assert await take_jobs(1) == ["1.2.3"]
