"""Store the instances of one request: write each to the archive, index them, say what became of each.

The answer is given when the index knows the instances, so that whoever has it finds them. Nothing is read back but
what did not fit into memory, and what was there before. Every step can be repeated: a request that is sent again
after a crash at any point ends as if it had been sent once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Final

from shared.dicom.header import Header
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.dicom.store_response import (
    FailedInstance,
    StoredInstance,
    StoreOutcome,
    failure_reason,
)
from shared.errors import (
    AppError,
    BackendUnavailableError,
    MalformedMultipartError,
    PayloadTooLargeError,
    RejectedInstanceError,
    TransientError,
)
from shared.flows._admission import Admission, said_uids
from shared.flows._archive_writes import Present, StorePorts, give_way, note_indexed, write_instance
from shared.flows._in_parallel import in_parallel
from shared.flows._incoming import Incoming, IncomingPart
from shared.flows._instance_record import Identity, identify
from shared.flows._rehearsal import Rehearsal
from shared.flows._replacement import replace_by_written, write_replacement
from shared.flows._store_request import StoreRequest
from shared.records import InstanceRecord, PutOutcome
from shared.telemetry.events import event
from shared.telemetry.tracing import flow

__all__ = ["Admission", "IncomingPart", "StorePorts", "StoreRequest", "store_instances"]

_log = logging.getLogger(__name__)

_CONCURRENT_WRITES: Final = 16
_CONCURRENT_BYTES: Final = 32 * 1024 * 1024
"""Of instances that are held whole while they are written."""
_CONCURRENT_PUTS: Final = 8
_RECORDS_A_PUT: Final = 50
MAX_PARTS: Final = 50_000
"""What is kept of each part until the answer, about a KiB, is kept of nine bytes of an empty one too."""


@flow
async def store_instances(
    parts: AsyncIterator[IncomingPart], request: StoreRequest, ports: StorePorts
) -> list[StoreOutcome]:
    """Store what *parts* hold; return what became of each, in their order.

    One bad part fails by itself. A body that breaks off or grows too long ends with a failure of the part it was in:
    what came before it is stored and reported so, for it cannot be taken back without racing others.

    Raises:
        MalformedMultipartError: The body breaks off before anything was stored.
        PayloadTooLargeError: It is too long and nothing was stored.
        BackendUnavailableError: Nothing was stored, and trying again may help.

    Source: PS3.18 2024e §10.5
    """
    run = _Run(request, ports)
    broken: AppError | None = None
    try:
        async for part in parts:
            await run.take(part)
    except (MalformedMultipartError, PayloadTooLargeError) as error:
        broken = error
    finally:
        await run.finish()
    return run.answer(broken)


class _Run:
    """One request on its way: what became of each part so far, and what is still to be written or indexed."""

    def __init__(self, request: StoreRequest, ports: StorePorts) -> None:
        self._request = request
        self._ports = ports
        self._outcomes: list[StoreOutcome | None] = []
        self._seen: set[InstanceRef] = set()
        self._writes: dict[asyncio.Task[None], int] = {}
        self._batches: dict[SeriesRef, list[tuple[int, InstanceRecord]]] = {}
        self._changed: set[StudyRef] = set()
        self._unavailable: BackendUnavailableError | None = None
        self._rehearsal = Rehearsal(ports, request) if request.dry_run else None

    async def take(self, part: IncomingPart) -> None:
        """Read one part; what fits into memory is written while the next part is read."""
        slot = len(self._outcomes)
        if slot >= MAX_PARTS:
            raise PayloadTooLargeError(
                f"the body has more than {MAX_PARTS} parts; send fewer instances at once"
            )
        self._outcomes.append(None)
        incoming = Incoming(part)
        header = None
        try:
            header = await incoming.read_header()
            identity = identify(header)
            self._request.admission.check_attributes(header)
        except RejectedInstanceError as error:
            self._fail(slot, error, *said_uids(header))
            return
        refusal = self._request.admission.refusal(header, identity, self._request.study)
        if refusal is not None:
            self._outcomes[slot] = refusal
            return
        if self._rehearsal is not None:
            await self._rehearse(self._rehearsal, slot, incoming, header, identity)
            return
        if identity.ref in self._seen:
            await self.finish()
        self._seen.add(identity.ref)
        if incoming.is_whole:
            await self._write_soon(slot, incoming, header, identity)
        else:
            await self._write(slot, incoming, header, identity)

    async def finish(self) -> None:
        """Wait until all that was taken is written and indexed, and ask that its studies be summed up."""
        while self._writes:
            await self._some_writes()
        await in_parallel(self._index, list(self._batches), limit=_CONCURRENT_PUTS)
        for study in sorted(self._changed):
            self._changed.discard(study)
            try:
                await self._ports.queue.study_changed(study)
            except TransientError as error:  # the index has noted it already: a timer will come by
                event(
                    _log,
                    "study not queued",
                    study_instance_uid=study.study_instance_uid,
                    error=type(error).__name__,
                )

    def answer(self, broken: AppError | None) -> list[StoreOutcome]:
        """Return every outcome; *broken* is why no more parts could be read."""
        outcomes = [outcome for outcome in self._outcomes if outcome is not None]
        stored = any(isinstance(outcome, StoredInstance) for outcome in outcomes)
        if not stored and broken is not None:
            raise broken
        if not stored and self._unavailable is not None:
            raise self._unavailable
        if broken is not None:
            outcomes.append(FailedInstance(failure_reason(broken), str(broken)))
        event(_log, "instances stored", count=len(outcomes), outcome="some" if stored else "none")
        return outcomes

    async def _write_soon(self, slot: int, incoming: Incoming, header: Header, identity: Identity) -> None:
        size = len(incoming.data)
        while self._writes and (
            len(self._writes) >= _CONCURRENT_WRITES or sum(self._writes.values()) + size > _CONCURRENT_BYTES
        ):
            await self._some_writes()
        task = asyncio.create_task(self._write(slot, incoming, header, identity))
        self._writes[task] = size

    async def _some_writes(self) -> None:
        done, _ = await asyncio.wait(self._writes, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            del self._writes[task]
            task.result()

    async def _write(self, slot: int, incoming: Incoming, header: Header, identity: Identity) -> None:
        write = write_replacement if self._request.replaces else write_instance
        try:
            written = await write(incoming, header, identity, self._ports)
        except (MalformedMultipartError, PayloadTooLargeError):
            raise  # of the body, not of this instance
        except AppError as error:
            self._fail(slot, error, identity.sop_class_uid, identity.ref.sop_instance_uid)
            return
        if isinstance(written, Present):
            self._outcomes[slot] = self._request.judged(written)
            return
        batch = self._batches.setdefault(identity.ref.series, [])
        batch.append((slot, written))
        if len(batch) >= _RECORDS_A_PUT:
            await self._index(identity.ref.series)

    async def _rehearse(
        self, rehearsal: Rehearsal, slot: int, incoming: Incoming, header: Header, identity: Identity
    ) -> None:
        try:
            written = await rehearsal.write(incoming, header, identity)
        except RejectedInstanceError as error:
            self._fail(slot, error, identity.sop_class_uid, identity.ref.sop_instance_uid)
            return
        self._outcomes[slot] = (
            self._request.judged(written) if isinstance(written, Present) else self._request.stored(written)
        )

    async def _index(self, series: SeriesRef) -> None:
        """Index what was written of a series, in one call."""
        await self._put(self._batches.pop(series))

    async def _put(self, batch: list[tuple[int, InstanceRecord]]) -> None:
        """Index records of one series; one that the index refuses fails by itself, and its object goes."""
        try:
            await self._put_all(batch)
        except RejectedInstanceError as error:
            if len(batch) > 1:
                for one in batch:
                    await self._put([one])
                return
            [(slot, record)] = batch
            await self._ports.objects.delete(record.location.key, if_match=record.location.etag)
            self._fail(slot, error, record.sop_class_uid, record.ref.sop_instance_uid)
        except AppError as error:
            for slot, record in batch:
                if self._outcomes[slot] is None:
                    self._fail(slot, error, record.sop_class_uid, record.ref.sop_instance_uid)

    async def _put_all(self, batch: list[tuple[int, InstanceRecord]]) -> None:
        """Put new instances if nothing serves them, and replacements whatever does."""
        new = [(slot, record) for slot, record in batch if record.generation == 0]
        if new:
            await self._put_records(new, if_absent=True)
        replacements = [(slot, record) for slot, record in batch if record.generation > 0]
        if replacements:
            await self._put_records(replacements, if_absent=False)

    async def _put_records(self, batch: list[tuple[int, InstanceRecord]], *, if_absent: bool) -> None:
        records = [record for _, record in batch]
        outcomes = await self._ports.index.put(records, if_absent=if_absent)
        new = [record for record, put in zip(records, outcomes, strict=True) if put is not PutOutcome.EXISTS]
        if new:
            self._changed.add(new[0].ref.study)
            await note_indexed(new, self._ports)
        for (slot, record), put in zip(batch, outcomes, strict=True):
            if put is PutOutcome.EXISTS:
                await self._meet(slot, record)
            else:
                self._outcomes[slot] = self._request.stored(record)

    async def _meet(self, slot: int, record: InstanceRecord) -> None:
        """Do with what was written as new what the request asks for if something else has come to serve meanwhile."""
        meet = replace_by_written if self._request.replaces else give_way
        written = await meet(record, self._ports)
        if isinstance(written, Present):
            self._outcomes[slot] = self._request.judged(written)
        else:
            await self._put([(slot, written)])

    def _fail(
        self, slot: int, error: AppError, sop_class_uid: str | None, sop_instance_uid: str | None
    ) -> None:
        if isinstance(error, BackendUnavailableError):
            self._unavailable = error
        self._outcomes[slot] = FailedInstance(
            failure_reason(error), str(error), sop_class_uid, sop_instance_uid
        )
