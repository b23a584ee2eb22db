"""The list of jobs: every kind, with counts, rate, time left and failures, as JSON and as a page."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from functions._jobs_page import spoken_time
from functions._recent_jobs import RecentJobs
from shared.backends.memory.jobs import MemoryJobs
from shared.dicom.references import InstanceRef
from shared.ports.jobs import ItemState, Job, JobItem
from tests.unit.functions.service import Service

NOW = datetime.now(UTC)
NAME = "<DOE^JANE>"
ITEMS = [
    JobItem(
        1, InstanceRef("1.2", "1.2.3", "1.2.3.4"), state=ItemState.DONE, counts={"bytes": 10}, changed_at=NOW
    ),
    JobItem(2, source=NAME, state=ItemState.FAILED, error="no <DICOM>", changed_at=NOW),
    JobItem(3, source=NAME),
    JobItem(4, source=NAME),
]


async def begin(service: Service, number: int, kind: str, phase: str) -> Job:
    """Keep a job that was begun ten seconds ago, and some earlier."""
    job = Job(f"{number:032x}", "default", (), NOW - timedelta(seconds=10 + number), 4, kind, phase)
    await service.world.jobs.create(job, ITEMS)
    return job


async def test_jobs_of_every_kind_are_listed_with_how_far_they_are(service: Service) -> None:
    """The newest first; names of files are not told, for they may be those of patients."""
    await begin(service, 0, "session", "committing")
    await begin(service, 1, "import", "done")
    await begin(service, 2, "other", "running")
    answer = await service.call("list_jobs", "http://x/jobs")
    jobs = orjson.loads(answer.body)["jobs"]
    assert [job["kind"] for job in jobs] == ["session", "import", "other"]
    assert [job["path"] for job in jobs] == [f"sessions/{0:032x}", f"imports/{1:032x}", ""]
    first = jobs[0]
    assert (first["total"], first["done"], first["failed"], first["pending"]) == (4, 1, 1, 2)
    assert first["bytesDone"] == 10
    assert first["secondsLeft"] > 0
    assert jobs[1]["secondsLeft"] == 0
    assert first["failures"] == [{"number": 2, "instance": "", "reason": "no <DICOM>"}]
    assert NAME.encode() not in answer.body
    only = await service.call("list_jobs", "http://x/jobs?kind=import&limit=1")
    assert [job["kind"] for job in orjson.loads(only.body)["jobs"]] == ["import"]


async def test_a_job_that_was_begun_again_is_looked_at_again(service: Service) -> None:
    """What is remembered of a job that had ended is not told of it later."""
    job = await begin(service, 7, "import", "failed")
    await service.call("list_jobs", "http://x/jobs")
    await service.world.jobs.advance(job.job_id, expected="failed", phase="listing")
    await service.world.jobs.put_item(job.job_id, replace(ITEMS[2], state=ItemState.DONE))
    told = orjson.loads((await service.call("list_jobs", "http://x/jobs")).body)["jobs"][0]
    assert (told["status"], told["done"]) == ("listing", 2)


class SlowJobs(MemoryJobs):
    """Reading the items of a job takes *seconds* of the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.seconds, self.reads = 0.0, 0.0, 0

    async def items(self, job_id: str) -> AsyncIterator[JobItem]:
        """Yield the items."""
        self.reads += 1
        self.now += self.seconds
        async for item in super().items(job_id):
            yield item


async def test_pages_that_follow_a_large_job_leave_the_app_to_its_work() -> None:
    """Its items are read again after ten times as long as that takes, or when it comes to its next phase."""
    jobs = SlowJobs()
    recent = RecentJobs(lambda: jobs.now)
    job = Job("a" * 32, "default", (), NOW, 4, "upload", "uploading")
    await jobs.create(job, ITEMS)
    reads = []
    for seconds, later in ((0.5, 0.0), (0.5, 4.9), (0.5, 0.2), (0.0, 5.0), (0.0, 0.0)):
        jobs.seconds = seconds
        jobs.now += later
        await recent.latest(jobs, 20, "", NOW)
        reads.append(jobs.reads)
    assert reads == [1, 1, 2, 3, 4]
    jobs.seconds = 1.0
    await recent.latest(jobs, 20, "", NOW)
    await jobs.advance(job.job_id, expected="uploading", phase="done")
    [told] = await recent.latest(jobs, 20, "", NOW)
    assert (told["status"], jobs.reads) == ("done", 6)
    await recent.latest(jobs, 20, "", NOW)
    assert jobs.reads == 6


async def test_the_page_says_the_same_and_escapes_it(service: Service) -> None:
    """Without its script too; nothing of it can become markup."""
    await begin(service, 0, "session", "committing")
    page = (await service.call("jobs_page", "http://x/ui/jobs")).body.decode()
    assert "session 00000000" in page
    assert "2: no &lt;DICOM&gt;" in page
    assert "<DICOM>" not in page


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "kind=A", "kind=%27"])
async def test_a_parameter_without_meaning_is_refused(service: Service, query: str) -> None:
    """400 for both."""
    for name in ("list_jobs", "jobs_page"):
        assert (await service.call(name, f"http://x/jobs?{query}")).status == 400


def test_times_are_spoken() -> None:
    """In the two largest units that there are."""
    assert [spoken_time(seconds) for seconds in (0, 59.6, 61, 3725)] == [
        "0 s",
        "1 min 0 s",
        "1 min 1 s",
        "1 h 2 min",
    ]
