"""The instances of one partition in plain dictionaries. Reads everything for every answer; does not answer searches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from shared.backends.memory.feed import MemoryChangeFeed
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.errors import ConcurrentChangeError, InstanceNotFoundError, UnsupportedObjectError
from shared.records import ChangeAction, HeldClaim, InstanceRecord, ObjectKey, PutOutcome


def _seniority(record: InstanceRecord) -> tuple[int, object, str, str]:
    key = record.location.key
    return -record.generation, record.modified_at, key.container, key.name


def _is_same_claim(one: InstanceRecord, other: InstanceRecord) -> bool:
    return _seniority(one) == _seniority(other) and one.location.etag == other.location.etag


class MemoryIndex:
    """An InstanceIndex and the StudySummaries of one partition.

    Changes enter the feed at once and rows for searching are made when asked for, so no summary is ever behind here;
    `due` still lists what a real adapter would have to refresh.

    Args:
        partition: The data partition that entries of the feed name.
        feed: Where changes go; indexes of several partitions may share one.
    """

    def __init__(self, partition: str = "default", feed: MemoryChangeFeed | None = None) -> None:
        self.partition = partition
        self.feed = feed or MemoryChangeFeed()
        self._claims: dict[InstanceRef, dict[ObjectKey, InstanceRecord]] = {}
        self._versions: dict[InstanceRef, int] = {}
        self._due: dict[StudyRef, None] = {}
        self.staged: dict[InstanceRef, str] = {}
        """By instance the open session that has staged it."""

    async def put(self, records: Sequence[InstanceRecord], *, if_absent: bool = False) -> list[PutOutcome]:
        """Put the records of one series; see InstanceIndex. UnsupportedObjectError if they are of several."""
        return self._put_all(records, if_absent=if_absent)

    async def renew(self, records: Sequence[InstanceRecord]) -> list[PutOutcome]:
        """Do as put, in place of what is kept of the same objects; see InstanceIndex.renew."""
        return self._put_all(records, again=True)

    def _put_all(
        self, records: Sequence[InstanceRecord], *, if_absent: bool = False, again: bool = False
    ) -> list[PutOutcome]:
        if len({record.ref.series for record in records}) > 1:
            raise UnsupportedObjectError(
                "records of several series were put at once; put each series by itself"
            )
        if any(record.ref in self.staged for record in records):
            raise ConcurrentChangeError("an instance is being stored by an upload session; try again later")
        return [self._put(record, if_absent=if_absent, again=again) for record in records]

    async def get(self, ref: InstanceRef) -> InstanceRecord:
        """Return the record that serves, or raise InstanceNotFoundError."""
        serving = self._serving(ref)
        if serving is None:
            raise InstanceNotFoundError(f"no object holds instance {ref.sop_instance_uid} of this series")
        return replace(serving, version=self._versions[ref])

    async def remove(self, ref: InstanceRef, key: ObjectKey) -> bool:
        """Forget that *key* claims *ref*; true if it did. A spare then serves in its place."""
        if key not in self._claims.get(ref, {}):
            return False
        before = self._serving(ref)
        del self._claims[ref][key]
        self._note_change(ref, before)
        return True

    async def claims_of(self, ref: InstanceRef) -> AsyncIterator[ObjectKey]:
        """Yield every object that claims *ref*, the serving one first."""
        async for record in self.versions_of(ref):
            yield record.location.key

    async def versions_of(self, ref: InstanceRef) -> AsyncIterator[InstanceRecord]:
        """Yield the record of every object that claims *ref*, in the order in which they would serve."""
        for record in sorted(self._claims.get(ref, {}).values(), key=_seniority):
            yield replace(record, version=self._versions[ref])

    async def instances_of(self, ref: StudyRef | SeriesRef) -> AsyncIterator[InstanceRecord]:
        """Yield the serving records in the order of (SeriesInstanceUID, SOPInstanceUID); none if there are none."""
        for record in self.serving_records():
            if ref in (record.ref.study, record.ref.series):
                yield record

    async def claims_in(self, ref: StudyRef | SeriesRef) -> AsyncIterator[HeldClaim]:
        """Yield every object that claims an instance of *ref*."""
        async for claim in self.scan():
            if ref in (claim.ref.study, claim.ref.series):
                yield claim

    async def scan(self, after: SeriesRef | None = None) -> AsyncIterator[HeldClaim]:
        """Yield every claim there was when the scan began, by UIDs."""
        for ref in sorted(self._claims):
            if after is None or ref.series > after:
                serving = self._serving(ref)
                for key, record in list(self._claims[ref].items()):
                    yield HeldClaim(ref, key, record.location.etag, record is serving)

    def serving_records(self) -> list[InstanceRecord]:
        """Return every record that serves, by (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)."""
        serving = [(ref, self._serving(ref)) for ref in sorted(self._claims)]
        return [replace(record, version=self._versions[ref]) for ref, record in serving if record is not None]

    async def refresh(self, ref: StudyRef) -> None:
        """Take the study off the list of those due."""
        self._due.pop(ref, None)

    async def rebuild(self, ref: StudyRef) -> None:
        """Do as refresh, for rows are made when they are asked for."""
        await self.refresh(ref)

    async def due(self, limit: int) -> list[StudyRef]:
        """Return up to *limit* studies changed since their last refresh, the longest-waiting first."""
        return list(self._due)[:limit]

    def _serving(self, ref: InstanceRef) -> InstanceRecord | None:
        return min(self._claims.get(ref, {}).values(), key=_seniority, default=None)

    def _put(self, record: InstanceRecord, *, if_absent: bool, again: bool) -> PutOutcome:
        key, before = record.location.key, self._serving(record.ref)
        claims = self._claims.setdefault(record.ref, {})
        held = claims.get(key)
        if again and held is not None and _is_same_claim(held, record):
            return self._put_again(record, serves=held is before)
        # What an object held at an etag does not change, so the first record of it stays: who stored it, and when.
        if again or held is None or held.location.etag != record.location.etag:
            if if_absent and before is not None and before.location.key != key:
                return PutOutcome.EXISTS
            claims[key] = record
        self._note_change(record.ref, before)
        after = self._serving(record.ref)
        if after is not claims[key]:
            return PutOutcome.SPARE
        if before is None:
            return PutOutcome.CREATED
        return PutOutcome.UNCHANGED if after is before else PutOutcome.UPDATED

    def _put_again(self, record: InstanceRecord, *, serves: bool) -> PutOutcome:
        self._claims[record.ref][record.location.key] = record
        if not serves:
            return PutOutcome.SPARE
        self._versions[record.ref] += 1
        self._due.setdefault(record.ref.study)
        return PutOutcome.UNCHANGED

    def _note_change(self, ref: InstanceRef, before: InstanceRecord | None) -> None:
        after = self._serving(ref)
        if after is before:
            return
        if before is None:
            action = ChangeAction.CREATE
        else:
            action = ChangeAction.DELETE if after is None else ChangeAction.UPDATE
        self._versions[ref] = self._versions.get(ref, 0) + 1
        self.feed.append(action, ref, self.partition, self._versions[ref])
        self._due.setdefault(ref.study)
