"""Upload sessions in dictionaries, beside a MemoryIndex; and targets that nobody can put to."""

from collections.abc import Sequence
from datetime import datetime

from shared.backends.memory.index import MemoryIndex
from shared.dicom.references import InstanceRef, SeriesRef
from shared.errors import ConcurrentChangeError, InstanceNotFoundError, UnsupportedObjectError
from shared.ports.sessions import Fate, UploadTarget
from shared.records import InstanceRecord, ObjectKey, PutOutcome


class MemorySessions:
    """An UploadSessions whose committed instances are put into *index*, and so into its feed, at once."""

    def __init__(self, index: MemoryIndex) -> None:
        self._index = index
        self._fates: dict[str, Fate] = {}
        self._staged: dict[str, dict[InstanceRef, InstanceRecord]] = {}
        self._committed: set[tuple[str, InstanceRef]] = set()
        self.notes: dict[str, datetime] = {}

    async def begin(self, session: str, at: datetime) -> None:
        """Note that a session is not finished."""
        self.notes[session] = at

    async def unfinished(self, before: datetime) -> list[str]:
        """Return the sessions noted before a moment."""
        return [session for session, at in self.notes.items() if at < before]

    async def forget(self, session: str) -> None:
        """Take the note away."""
        self.notes.pop(session, None)

    async def fate(self, session: str) -> Fate:
        """Return what was decided."""
        return self._fates.get(session, Fate.OPEN)

    async def stage(self, session: str, records: Sequence[InstanceRecord]) -> list[PutOutcome]:
        """Put the records of one series out of sight; see UploadSessions.stage."""
        if len({record.ref.series for record in records}) > 1:
            raise UnsupportedObjectError("records of several series were staged at once")
        return [await self._stage(session, record) for record in records]

    async def _stage(self, session: str, record: InstanceRecord) -> PutOutcome:
        own = self._staged.setdefault(session, {})
        if record.ref in own:
            is_same = own[record.ref].location == record.location
            return PutOutcome.UNCHANGED if is_same else PutOutcome.EXISTS
        if record.ref in self._index.staged:
            raise ConcurrentChangeError("another upload session is storing this instance")
        try:
            serving = await self._index.get(record.ref)
            is_own = (session, record.ref) in self._committed and serving.location == record.location
            return PutOutcome.UNCHANGED if is_own else PutOutcome.EXISTS
        except InstanceNotFoundError:
            own[record.ref] = record
            self._index.staged[record.ref] = session
            return PutOutcome.CREATED

    async def commit(self, session: str, series: Sequence[SeriesRef]) -> bool:  # no row needs a note
        """Let all that is staged be seen; see UploadSessions.commit."""
        if await self.fate(session) is Fate.OPEN:
            self._fates[session] = Fate.COMMITTED
            for ref, record in self._release(session).items():
                self._committed.add((session, ref))
                await self._index.put([record])
        return self._fates[session] is Fate.COMMITTED

    async def withdraw(self, session: str) -> bool:
        """Make sure that the session is never committed."""
        if await self.fate(session) is Fate.OPEN:
            self._fates[session] = Fate.WITHDRAWN
            self._release(session)
        return self._fates[session] is Fate.WITHDRAWN

    async def publish(self, session: str, series: SeriesRef) -> None:
        """Do nothing: the feed has it."""

    async def unstage(self, session: str, series: SeriesRef) -> None:
        """Do nothing: it has gone with the withdrawal."""

    def _release(self, session: str) -> dict[InstanceRef, InstanceRecord]:
        staged = self._staged.pop(session, {})
        for ref in staged:
            self._index.staged.pop(ref, None)
        return staged


class MemoryUploadTargets:
    """An UploadTargets whose URLs lead nowhere: a test writes past the port."""

    async def targets(self, keys: Sequence[ObjectKey], expires_at: datetime) -> list[UploadTarget]:
        """Return a target for each object."""
        return [UploadTarget(key.name, f"memory:{key}?until={expires_at:%s}") for key in keys]
