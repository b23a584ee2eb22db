"""Bring the index up to what an object of the store holds now. It never moves, changes or deletes that object."""

import logging
from dataclasses import dataclass, field, replace
from typing import Final

from shared.access.audit_events import Action
from shared.access.touched import touch
from shared.dicom.byte_window import FIRST_READ
from shared.dicom.references import InstanceRef
from shared.errors import (
    ConcurrentChangeError,
    ObjectChangedError,
    ObjectNotFoundError,
    RejectedInstanceError,
)
from shared.flows._archive_key import generation_of, session_of
from shared.flows._case_attributes import read_case_attributes
from shared.flows._case_name import SEED_PATTERNS, CasePatterns, read_case_name
from shared.flows._instance_record import identify, record_of
from shared.flows._read_instance import read_stored_header
from shared.flows._rejected import keep_rejection, rejected_key
from shared.flows._risk_policy import RiskPolicy, check_risk
from shared.flows._thumbnails import drop_thumbnails
from shared.ports.archive import InstanceIndex, JobQueue, ObjectLedger, ObjectStore
from shared.ports.cases import CaseIndex
from shared.ports.upstream import UPSTREAM_CONTAINER
from shared.records import (
    CaseImage,
    CaseView,
    InstanceRecord,
    LedgerEntry,
    ObjectInfo,
    ObjectKey,
    ObjectLocation,
    ObjectRange,
    ObjectState,
    PutOutcome,
    Source,
)
from shared.telemetry import metrics
from shared.telemetry.events import event
from shared.telemetry.tracing import flow

__all__ = ["CasePatterns", "IndexPorts", "index_instance"]

_log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 10
"""Handlers of one object that overtake each other make each other begin again."""


@dataclass(frozen=True, slots=True)
class IndexPorts:
    """What indexing an object needs."""

    objects: ObjectStore
    index: InstanceIndex
    ledger: ObjectLedger
    cases: CaseIndex
    queue: JobQueue
    rejected_container: str
    risk: RiskPolicy = field(default_factory=RiskPolicy)
    archive_container: str = ""
    """Whose objects say by their names that they replace others."""
    derived_container: str = ""
    """Where thumbnails are kept; none if there is no name."""
    partition: str = "default"
    case_patterns: CasePatterns = SEED_PATTERNS
    """How names say of which clinical case an object is."""


@flow
async def index_instance(key: ObjectKey, ports: IndexPorts, *, again: bool = False) -> None:
    """Look at the object *key* and leave index, case index and ledger as if it had always been what it is now.

    Safe to call at any time, in any order and as often as one likes: what an event said does not matter, only what
    is there. Before it is done it looks once more, and begins again if the object was replaced in the meantime. An
    object that can never be indexed ends in the container of rejected ones, and that is no error.

    Args:
        key: Where to look.
        ports: Where to write.
        again: Whether to make the record anew of an object that is settled as it is.

    Raises:
        ObjectChangedError: The object was replaced each time while it was read.
    """
    visit = _Visit(key, ports, again)
    for _ in range(MAX_ATTEMPTS):
        try:
            await visit.look()
        except (ObjectChangedError, ObjectNotFoundError, ConcurrentChangeError):
            continue
        return
    await visit.leave_pending()
    raise ObjectChangedError(
        f"an object in {key.container} was replaced {MAX_ATTEMPTS} times while it was read; look at it again later"
    )


@dataclass(slots=True)
class _Visit:
    """What this call knows the object to have left in the index, so that it can be taken back on the next look."""

    key: ObjectKey
    ports: IndexPorts
    again: bool = False
    held: set[InstanceRef] = field(default_factory=set)
    cases: set[CaseView] = field(default_factory=set)
    has_rejection: bool = False
    begun: bool = False
    seen: LedgerEntry | None = None
    """What the ledger says; it is written on condition that no other handler has written since."""

    async def look(self) -> None:
        """Do everything once.

        Raises:
            ObjectChangedError: The object is no longer what it was at the beginning.
            ObjectNotFoundError: It has gone while it was read.
            ConcurrentChangeError: Another handler looks at the same object.
        """
        entry = self.seen = await self.ports.ledger.get(self.key)
        if entry is not None:
            if not (self.begun or self.again) and await self._is_settled(entry):
                return
            self.has_rejection |= entry.reason != ""
            if entry.ref is not None:
                self.held.add(entry.ref)
            if entry.case is not None:
                self.cases.add(entry.case)
        self.begun = True
        found = await self._read_first()
        settled = await self._take_in(found)
        for study in sorted({ref.study for ref in self.held}):
            await self.ports.queue.study_changed(study)
        if settled is not None:
            await self._say(settled)
        elif self.seen is not None:
            await self.ports.ledger.forget(self.seen)
        await self._check_unchanged(found)

    async def leave_pending(self) -> None:
        """Give up: take back what only this call left, and see to it that the next delivery does not find all settled."""
        for _ in range(MAX_ATTEMPTS):
            self.seen = await self.ports.ledger.get(self.key)
            if self.seen is None:
                return
            for ref in sorted(self.held - {self.seen.ref}):
                await self.ports.index.remove(ref, self.key)
            await self._leave_cases(but=self.seen.case)
            try:
                await self._say(replace(self.seen, state=ObjectState.PENDING))
            except ConcurrentChangeError:
                continue
            return

    async def _is_settled(self, entry: LedgerEntry) -> bool:
        """Tell whether the object is as it was when it was settled; its study is made due, in case that was lost."""
        if entry.state is ObjectState.PENDING or await self._etag() != entry.etag:
            return False
        if entry.ref is not None:
            await self.ports.queue.study_changed(entry.ref.study)
        return True

    async def _take_in(self, found: ObjectRange | None) -> LedgerEntry | None:
        """Make index and case index follow what was found; return what the ledger shall say, None for nothing."""
        if found is None:
            await self._release()
            return None
        if found.info.is_folder:
            await self._release()
            return LedgerEntry(self.key, found.info.etag, ObjectState.IGNORED, reason="a folder")
        try:
            return await self._index(await self._read(found))
        except RejectedInstanceError as error:
            return await self._reject(found.info, error)

    async def _read(self, found: ObjectRange) -> InstanceRecord:
        info = found.info
        header = await read_stored_header(self.ports.objects, info, found.data)
        check_risk(header, self.ports.risk)
        location = ObjectLocation(self.key, info.etag, 0, info.size)
        record = await record_of(header, identify(header), location, info.modified_at, self._source)
        return replace(record, generation=generation_of(self.key, self.ports.archive_container, record.ref))

    async def _index(self, record: InstanceRecord) -> LedgerEntry:
        case = self._case_of(record)
        await self._release(but=record.ref, but_case=case)
        entry = LedgerEntry(self.key, record.location.etag, ObjectState.INDEXED, record.ref, case=case)
        await self._say(replace(entry, state=ObjectState.PENDING))
        self.held.add(record.ref)
        touch(Action.CREATE, record.ref)
        put = self.ports.index.renew if self.again else self.ports.index.put
        [outcome] = await put([record])
        if case is not None and not (self._is_the_archives and outcome is PutOutcome.SPARE):
            self.cases.add(case)
            await self.ports.cases.put([CaseImage(case.year, case.case_id, case.view, self.key, record.ref)])
        metrics.indexed(record.modified_at, source=record.source.value)
        event(
            _log,
            "instance indexed",
            outcome=outcome,
            sop_instance_uid=record.ref.sop_instance_uid,
            study_instance_uid=record.ref.study_instance_uid,
        )
        return entry

    @property
    def _is_the_archives(self) -> bool:
        return self.key.container == self.ports.archive_container

    @property
    def _source(self) -> Source:
        return Source.STORE if self._is_the_archives else Source.EVENT

    def _case_of(self, record: InstanceRecord) -> CaseView | None:
        """Return the case of an object; names in the archive say nothing of it, and a case stored as a whole is known."""
        if session_of(self.key, self.ports.archive_container) is not None:
            return None if self.seen is None else self.seen.case
        if self._is_the_archives or self.key.container == UPSTREAM_CONTAINER:
            return read_case_attributes(record.metadata)
        named = read_case_name(self.key.name, self.ports.case_patterns)
        return named or read_case_attributes(record.metadata)

    async def _reject(self, info: ObjectInfo, error: RejectedInstanceError) -> LedgerEntry:
        await self._release()
        entry = LedgerEntry(self.key, info.etag, ObjectState.REJECTED, reason=str(error))
        await self._say(replace(entry, state=ObjectState.PENDING))
        await keep_rejection(self.ports.objects, self.ports.rejected_container, info, error)
        self.has_rejection = True
        metrics.rejected(type(error).__name__)
        event(
            _log,
            "object rejected",
            container=self.key.container,
            error=type(error).__name__,
            size_bytes=info.size,
        )
        return entry

    async def _say(self, entry: LedgerEntry) -> None:
        self.seen = await self.ports.ledger.advance(entry, seen=self.seen)

    async def _release(self, but: InstanceRef | None = None, but_case: CaseView | None = None) -> None:
        """Take back what the object left, but for its claim of *but* and its place in *but_case*.

        Thumbnails go in any case, since they may show what it was before.
        """
        ports = self.ports
        for ref in sorted(self.held):
            await drop_thumbnails(ref, ports.objects, ports.derived_container, ports.partition)
            if ref != but:
                touch(Action.DELETE, ref)
                await ports.index.remove(ref, self.key)
        await self._leave_cases(but_case)
        if but is None or self.has_rejection:
            await self.ports.objects.delete(rejected_key(self.ports.rejected_container, self.key))
            self.has_rejection = False

    async def _leave_cases(self, but: CaseView | None) -> None:
        for case in sorted(self.cases):
            if but is None or (case.year, case.case_id, case.view) != (but.year, but.case_id, but.view):
                await self.ports.cases.remove(case.year, case.case_id, case.view, self.key)

    async def _read_first(self) -> ObjectRange | None:
        try:
            return await self.ports.objects.read_range(self.key, 0, FIRST_READ)
        except ObjectNotFoundError:
            return None

    async def _etag(self) -> str | None:
        try:
            return (await self.ports.objects.head(self.key)).etag
        except ObjectNotFoundError:
            return None

    async def _check_unchanged(self, found: ObjectRange | None) -> None:
        """Look again: who was slower than another handler must not leave an older state behind."""
        if await self._etag() != (None if found is None else found.info.etag):
            raise ObjectChangedError(f"an object in {self.key.container} was replaced while it was indexed")
