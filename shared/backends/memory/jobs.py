"""Jobs in a dictionary, and their queue in a list. It runs none."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from shared.errors import JobNotFoundError
from shared.ports.jobs import Job, JobItem


class MemoryJobs:
    """A Jobs."""

    def __init__(self) -> None:
        self._jobs: dict[str, tuple[Job, dict[int, JobItem]]] = {}
        self._keys: dict[str, bytes] = {}

    async def create(self, job: Job, items: Sequence[JobItem], *, key: bytes = b"") -> None:
        """Keep a job and its items, and a secret of its own."""
        self._keys[job.job_id] = key
        self._jobs[job.job_id] = (job, {item.number: item for item in items})

    async def key(self, job_id: str) -> bytes:
        """Return the secret of a job, or nothing."""
        return self._keys.get(job_id, b"")

    async def forget_key(self, job_id: str) -> None:
        """Destroy the secret of a job."""
        self._keys.pop(job_id, None)

    async def get(self, job_id: str) -> Job:
        """Return a job, or raise JobNotFoundError."""
        return self._found(job_id)[0]

    async def items(self, job_id: str) -> AsyncIterator[JobItem]:
        """Yield the items of a job by number."""
        for _, item in sorted(self._found(job_id)[1].items()):
            yield item

    async def item(self, job_id: str, number: int) -> JobItem:
        """Return one item, or raise JobNotFoundError."""
        item = self._found(job_id)[1].get(number)
        if item is None:
            raise JobNotFoundError("the job has no such item")
        return item

    async def add_items(self, job_id: str, items: Sequence[JobItem]) -> None:
        """Keep items whose numbers are not there yet."""
        there = self._found(job_id)[1]
        for item in items:
            there.setdefault(item.number, item)

    async def put_item(self, job_id: str, item: JobItem) -> None:
        """Write how far an item is, and when."""
        self._found(job_id)[1][item.number] = replace(item, changed_at=datetime.now(UTC))

    async def advance(
        self,
        job_id: str,
        *,
        expected: str,
        phase: str,
        error: str = "",
        item_count: int | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> bool:
        """Change the phase of a job if it is the *expected* one still."""
        job, items = self._found(job_id)
        if job.phase != expected:
            return False
        changed = replace(
            job,
            phase=phase,
            error=error,
            item_count=job.item_count if item_count is None else item_count,
            facts={**job.facts, **(facts or {})},
            changed_at=datetime.now(UTC),
        )
        self._jobs[job_id] = (changed, items)
        return True

    async def recent(self, limit: int, kind: str = "", *, without: Collection[str] = ()) -> Sequence[Job]:
        """Return the jobs made last, the newest first, but for those *without*."""
        jobs = [job for job, _ in self._jobs.values() if kind in ("", job.kind)]
        newest = sorted(jobs, key=lambda job: job.created_at, reverse=True)[:limit]
        return [job for job in newest if job.job_id not in without]

    def _found(self, job_id: str) -> tuple[Job, dict[int, JobItem]]:
        if job_id not in self._jobs:
            raise JobNotFoundError("there is no such job")
        return self._jobs[job_id]


class MemoryWorkQueue:
    """A WorkQueue whose *sent* jobs, and *sent_items* of jobs, a test takes from."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.sent_items: list[tuple[str, int]] = []

    async def send(self, job_id: str, item: int = 0) -> None:
        """Ask that a job be worked on, or one item of it."""
        if item:
            self.sent_items.append((job_id, item))
        else:
            self.sent.append(job_id)
