"""The ports of jobs, which outlast a request, and the values they exchange. It runs none.

A job has one row an item, so that a kill in the middle loses no more than the items that were under way.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.dicom.references import InstanceRef


class ItemState(StrEnum):
    """How far an item is."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobItem:
    """One instance of a job; *number* counts from 1."""

    number: int
    ref: InstanceRef
    state: ItemState = ItemState.PENDING
    error: str = ""
    """Why it failed: tags and reasons, no values."""
    output: str = ""
    """What was written of it: a container and a name, or a SOP Instance UID."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many changes there were, by action."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work on the instances of one data partition, in the words of the request that asked for it."""

    job_id: str
    partition: str
    parameters: tuple[tuple[str, str], ...]
    created_at: datetime
    item_count: int


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

    async def put_item(self, job_id: str, item: JobItem) -> None:
        """Write how far an item is."""
        ...


class WorkQueue(Protocol):
    """Jobs to be worked on soon, at least once."""

    async def send(self, job_id: str) -> None:
        """Ask that a job be worked on."""
        ...
