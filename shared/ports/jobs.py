"""The ports of jobs, which outlast a request, and the values they exchange. It runs none.

A job has one row an item, so that a kill in the middle loses no more than the items that were under way.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from shared.dicom.references import InstanceRef

DONE: Final = "done"
FAILED: Final = "failed"
"""The phases that end a job. What comes before is for each kind of job to name."""


class ItemState(StrEnum):
    """How far an item is."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobItem:
    """One instance, file or study of a job; *number* counts from 1."""

    number: int
    ref: InstanceRef | None = None
    """The instance it is about, where that is known."""
    source: str = ""
    """What it is about where there is no instance yet: an object's name, a source's id."""
    state: ItemState = ItemState.PENDING
    error: str = ""
    """Why it failed: tags and reasons, no values."""
    output: str = ""
    """What was written of it: a container and a name, or a SOP Instance UID."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many changes there were, by action; of instances done, and of bytes."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What became known of it, such as a digest or the status of an answer; nothing of a patient."""
    changed_at: datetime | None = None
    """When it was written last; None if nothing was done to it yet."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work in one data partition, in the words of the request that asked for it."""

    job_id: str
    partition: str
    parameters: tuple[tuple[str, str], ...]
    created_at: datetime
    item_count: int
    kind: str = "deidentify"
    phase: str = "running"
    """How far it is, in the words of its kind; DONE and FAILED end it."""
    error: str = ""
    """Why it failed: no values."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What it learnt on its way; nothing of a patient, and no secret."""
    changed_at: datetime | None = None
    """When its phase changed last; None while it is the first."""


class Jobs(Protocol):
    """The jobs that were ever begun."""

    async def create(self, job: Job, items: Sequence[JobItem], *, key: bytes = b"") -> None:
        """Keep a job and its items, and a secret of its own; nobody finds it before all of it is there."""
        ...

    async def key(self, job_id: str) -> bytes:
        """Return the secret of a job; nothing if it has none, or has none any more."""
        ...

    async def forget_key(self, job_id: str) -> None:
        """Destroy the secret of a job, if it has one."""
        ...

    async def get(self, job_id: str) -> Job:
        """Return a job, or raise JobNotFoundError."""
        ...

    def items(self, job_id: str) -> AsyncIterator[JobItem]:
        """Yield the items of a job by number."""
        ...

    async def item(self, job_id: str, number: int) -> JobItem:
        """Return one item, or raise JobNotFoundError."""
        ...

    async def add_items(self, job_id: str, items: Sequence[JobItem]) -> None:
        """Keep items that were found later. A number that is there stays as it is, so this can be done again."""
        ...

    async def put_item(self, job_id: str, item: JobItem) -> None:
        """Write how far an item is, and when."""
        ...

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
        """Change the phase of a job if it is the *expected* one still; of several callers one is told True.

        Args:
            job_id: Of the job.
            expected: The phase it must be in.
            phase: The next one; the same again to note *facts* or *item_count* only.
            error: Why it failed.
            item_count: How many items it has, once that is known.
            facts: Put beside those that are there.

        Raises:
            JobNotFoundError: There is no such job.
        """
        ...

    async def recent(self, limit: int, kind: str = "", *, without: Collection[str] = ()) -> Sequence[Job]:
        """Return the *limit* newest jobs at most, of one *kind* or of all, the newest first.

        Those named in *without* count, but are left out, and cost no request of their own.
        """
        ...


class WorkQueue(Protocol):
    """Jobs, or single items of them, to be worked on soon, at least once."""

    async def send(self, job_id: str, item: int = 0) -> None:
        """Ask that a job be worked on, or one item of it."""
        ...
