"""Jobs in a dictionary, and their queue in a list. It runs none."""

from collections.abc import AsyncIterator, Sequence

from shared.errors import JobNotFoundError
from shared.job_ports import Job, JobItem


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

    async def put_item(self, job_id: str, item: JobItem) -> None:
        """Write how far an item is."""
        self._found(job_id)[1][item.number] = item

    def _found(self, job_id: str) -> tuple[Job, dict[int, JobItem]]:
        if job_id not in self._jobs:
            raise JobNotFoundError("there is no such job")
        return self._jobs[job_id]


class MemoryWorkQueue:
    """A WorkQueue whose *sent* a test takes from."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, job_id: str) -> None:
        """Ask that a job be worked on."""
        self.sent.append(job_id)
