"""What the product needs of the world outside, in its own words; the values exchanged are in shared.records.

A method exists only if a flow calls it. Each port has one contract suite in tests/contract that every adapter
passes. An adapter that cannot honour a request refuses it; it never ignores part of one. Adapters raise the errors
of shared.errors only. Adapters of the index are bound to one data partition when they are made, so no flow knows
that there are several. The ports of clinical cases are in shared.ports.cases.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from shared.dicom.query import Query
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.dicom.risk.study_risk import StudyRisk
from shared.records import (
    AssessedStudy,
    Change,
    HeldClaim,
    InstanceRecord,
    LedgerEntry,
    ObjectInfo,
    ObjectKey,
    ObjectRange,
    Partition,
    PutOutcome,
    SearchPage,
)


class ObjectStore(Protocol):
    """Objects by name: the truth of the archive.

    Byte ranges are half-open. Any method raises BackendUnavailableError when the store does not answer.
    """

    async def head(self, key: ObjectKey) -> ObjectInfo:
        """Describe an object, or raise ObjectNotFoundError."""
        ...

    async def read_range(
        self, key: ObjectKey, start: int, end: int, *, if_match: str | None = None
    ) -> ObjectRange:
        """Read bytes [start, end); fewer only at the object's end, none at or past it.

        Raises:
            ObjectNotFoundError: There is no such object.
            ObjectChangedError: Its etag is not *if_match*.
        """
        ...

    def stream(
        self, key: ObjectKey, start: int = 0, end: int | None = None, *, if_match: str | None = None
    ) -> AsyncIterator[bytes]:
        """Yield bytes [start, end) in chunks of a few MiB at most; errors as in read_range, at the first chunk."""
        ...

    async def put(
        self,
        key: ObjectKey,
        data: bytes | AsyncIterator[bytes],
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        content_type: str | None = None,
    ) -> ObjectInfo:
        """Write a whole object; nobody sees a part of it, and a failure of *data* leaves nothing behind.

        Without a *content_type* it is what the store is set to give DICOM objects.

        Raises:
            ObjectExistsError: *if_absent* is set and an object of this name is there.
            ObjectChangedError: *if_match* is set and there is no object of this name and etag.
        """
        ...

    async def delete(self, key: ObjectKey, *, if_match: str | None = None) -> None:
        """Remove an object; that it is absent already is no error.

        Raises:
            ObjectChangedError: Its etag is not *if_match*.
        """
        ...

    def scan(self, container: str, *, prefix: str = "", after: str = "") -> AsyncIterator[ObjectInfo]:
        """Yield the objects whose names begin with *prefix* and come after *after*, in the order of their names.

        Raises:
            ObjectNotFoundError: There is no such container.
        """
        ...


class InstanceIndex(Protocol):
    """One record per SOP instance and object, in one data partition.

    Every change of what an instance serves leaves exactly one entry in the change feed and makes its study due for
    a new summary, even if the process dies right after.
    """

    async def put(self, records: Sequence[InstanceRecord], *, if_absent: bool = False) -> list[PutOutcome]:
        """Put the records of one series; one outcome each, in their order.

        Of several objects that claim one SOP instance those of the highest generation go first, and of these the one
        with the least (modified_at, container, name) serves, so the outcome does not depend on the order of events.
        The others are kept. With *if_absent*, a SOP instance that any other object serves is left as it is; a record
        that is kept already is a spare then as ever.

        Raises:
            ConcurrentChangeError: Other writers kept changing the same rows.
        """
        ...

    async def renew(self, records: Sequence[InstanceRecord]) -> list[PutOutcome]:
        """Do as put, but let a record take the place of the one that is kept of the same object at the same etag.

        It gets a new version and its study is due, but the bytes that are served have not changed, so the feed says
        nothing.

        Raises:
            ConcurrentChangeError: Other writers kept changing the same rows.
        """
        ...

    async def get(self, ref: InstanceRef) -> InstanceRecord:
        """Return the record that serves, or raise InstanceNotFoundError."""
        ...

    async def remove(self, ref: InstanceRef, key: ObjectKey) -> bool:
        """Forget that *key* claims *ref*; true if it did. A spare then serves in its place."""
        ...

    def claims_of(self, ref: InstanceRef) -> AsyncIterator[ObjectKey]:
        """Yield every object that claims *ref*, the serving one first."""
        ...

    def versions_of(self, ref: InstanceRef) -> AsyncIterator[InstanceRecord]:
        """Yield the record of every object that claims *ref*, in the order in which they would serve.

        The first one serves; the versions of the others say nothing.
        """
        ...

    def instances_of(self, ref: StudyRef | SeriesRef) -> AsyncIterator[InstanceRecord]:
        """Yield the serving records in the order of (SeriesInstanceUID, SOPInstanceUID); none if there are none."""
        ...

    def claims_in(self, ref: StudyRef | SeriesRef) -> AsyncIterator[HeldClaim]:
        """Yield every object that claims an instance of *ref*, in no order; none if there are none."""
        ...

    def scan(self, after: SeriesRef | None = None) -> AsyncIterator[HeldClaim]:
        """Yield every claim there is, those of a series together and the series of a study too.

        The order of series is the adapter's own; those that follow *after* in it are yielded.
        """
        ...


class StudySummaries(Protocol):
    """What a study adds up to: its rows for searching, its counts, its place in the change feed."""

    async def refresh(self, ref: StudyRef) -> None:
        """Bring the study's summary and the change feed up to every change made before this call."""
        ...

    async def rebuild(self, ref: StudyRef) -> None:
        """Make the study's summary, and all by which its instances are found, anew, whether or not it is behind."""
        ...

    async def due(self, limit: int) -> list[StudyRef]:
        """Return up to *limit* studies whose summary is behind, the longest-waiting first."""
        ...


class StudyRisks(Protocol):
    """What studies tell of their patients, as their summaries have it."""

    async def of_study(self, ref: StudyRef) -> StudyRisk | None:
        """Return what a study's instances tell together; None if there is no such study."""
        ...

    def scan(self, after: StudyRef | None = None) -> AsyncIterator[AssessedStudy]:
        """Yield the studies, each once, in an order of the adapter's own; those that follow *after* in it."""
        ...


class StudySearch(Protocol):
    """Answers a query exactly as dicom/matching.py defines it, or refuses."""

    async def search(self, query: Query) -> SearchPage:
        """Return the page that *query* asks for; the same query gives the same order while nothing changes.

        The pages of a query, each after the last position of the one before, hold every row once that matches all the
        while, whatever comes and goes between them. Rows after a position are not counted.

        Raises:
            QueryTooBroadError: More rows than the budget would have to be read.
        """
        ...


class ObjectLedger(Protocol):
    """One entry an object, so that every object of the store can be accounted for."""

    async def get(self, key: ObjectKey) -> LedgerEntry | None:
        """Return the entry of *key*, if there is one."""
        ...

    async def put(self, entries: Sequence[LedgerEntry]) -> None:
        """Write entries, replacing those there."""
        ...

    async def advance(self, entry: LedgerEntry, *, seen: LedgerEntry | None) -> LedgerEntry:
        """Write *entry* if the ledger still says *seen* (None: nothing); return it with its new revision.

        Raises:
            ConcurrentChangeError: It says something else by now.
        """
        ...

    async def forget(self, seen: LedgerEntry) -> None:
        """Remove the entry if the ledger still says *seen*, or raise ConcurrentChangeError."""
        ...

    async def remove(self, key: ObjectKey) -> None:
        """Forget *key*; that it is unknown is no error."""
        ...

    def scan(self, container: str, *, after: str = "") -> AsyncIterator[LedgerEntry]:
        """Yield the entries of a container in the order of their names, those after *after*."""
        ...


class ChangeFeed(Protocol):
    """Every change of the index in one order. No entry ever appears below a sequence already served."""

    async def changes(self, after: int, limit: int) -> list[Change]:
        """Return up to *limit* entries with sequence > *after*, ascending."""
        ...

    async def latest(self) -> Change | None:
        """Return the newest entry, if there is any."""
        ...


class Partitions(Protocol):
    """The data partitions that were ever stored to, the default one apart."""

    async def add(self, name: str) -> None:
        """Make a partition known; one that is known stays as it is."""
        ...

    async def has(self, name: str) -> bool:
        """Tell whether a partition is known."""
        ...

    async def all(self) -> list[Partition]:
        """Return the partitions, the oldest first."""
        ...


class JobQueue(Protocol):
    """Work to be done soon, at least once."""

    async def study_changed(self, ref: StudyRef) -> None:
        """Ask that the study's summary be refreshed."""
        ...
