"""The ports of upload sessions: what is published at one moment, or never. The values they exchange stand here too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.dicom.references import SeriesRef
from shared.records import InstanceRecord, ObjectKey, PutOutcome


class Fate(StrEnum):
    """What was decided of a session; once it is decided, it stays so."""

    OPEN = "open"
    COMMITTED = "committed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """Where a client puts one file, by PUT with *headers*; whoever has the URL may."""

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


class UploadTargets(Protocol):
    """Gives clients leave to write to the store without passing by the app."""

    async def targets(self, keys: Sequence[ObjectKey], expires_at: datetime) -> list[UploadTarget]:
        """Return a target for each object: it can be made until *expires_at*, and neither read nor listed.

        Raises:
            NotConfiguredError: The store cannot give such leave.
        """
        ...


class UploadSessions(Protocol):
    """Instances that wait in the index, seen by nobody, until one row commits their session. Of one data partition."""

    async def begin(self, session: str, at: datetime) -> None:
        """Note that a session is not finished."""
        ...

    async def unfinished(self, before: datetime) -> list[str]:
        """Return the sessions of all data partitions that were noted before a moment and not forgotten since."""
        ...

    async def forget(self, session: str) -> None:
        """Take the note away; what was decided stays."""
        ...

    async def fate(self, session: str) -> Fate:
        """Return what was decided."""
        ...

    async def stage(self, session: str, records: Sequence[InstanceRecord]) -> list[PutOutcome]:
        """Put the records of one series out of sight; one outcome each, in their order.

        CREATED, UNCHANGED where the session has staged it before, or EXISTS where another object serves the instance.
        Until the session is decided, whoever else puts such an instance is told to try again.

        Raises:
            ConcurrentChangeError: Another open session has staged an instance.
        """
        ...

    async def commit(self, session: str, series: Sequence[SeriesRef]) -> bool:
        """Let all that is staged, in these *series*, be seen from now on; False if the session was withdrawn.

        An answer that was begun before shows nothing of the session, to its end.
        """
        ...

    async def withdraw(self, session: str) -> bool:
        """Make sure that the session is never committed; False if it is."""
        ...

    async def publish(self, session: str, series: SeriesRef) -> None:
        """Let the change feed have the instances of a committed session; each once, however often this is called."""
        ...

    async def unstage(self, session: str, series: SeriesRef) -> None:
        """Remove what a withdrawn session has staged of a series."""
        ...
