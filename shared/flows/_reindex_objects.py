"""Reconcile the objects of one container with the ledger, and what the ledger says with index and cases."""

import logging
from collections.abc import AsyncIterator, Sequence

from shared.errors import AppError, CaseBeingStoredError, ObjectNotFoundError
from shared.flows._archive_key import session_of, upload_manifest_of
from shared.flows._beside_ledger import Met, beside_ledger
from shared.flows._in_parallel import in_parallel
from shared.flows._reindex_checks import AT_A_TIME, check_each
from shared.flows._reindex_ports import BATCH, PartitionPorts
from shared.flows._reindex_state import FAILED, WAITING, Kind, Reindexing
from shared.flows._rejected import rejected_key
from shared.flows._restored_case import is_manifest, restore_case
from shared.flows.index_instance import index_instance
from shared.records import CaseImage, HeldClaim, LedgerEntry, ObjectKey, ObjectState
from shared.telemetry.events import event

_log = logging.getLogger(__name__)

type _Claims = dict[ObjectKey, HeldClaim]


class Objects:
    """The step over one container's objects, or over those of them that are of the data partition.

    Every object that is listed is in one state at the end of its batch: that of its ledger entry; or *waiting*, if a
    request may be about to index it or to commit its case; or *failed*, if it could not be looked at now.
    """

    def __init__(self, container: str, ports: PartitionPorts, state: Reindexing) -> None:
        self._container = container
        self._prefix = f"{ports.name}/" if container == ports.archive else ""
        self._ports = ports
        self._indexing = ports.indexing
        self._state = state

    async def batches(self, after: str) -> AsyncIterator[str]:
        """Work on the names after *after*; yield the last name of each batch when it is done."""
        batch: list[Met] = []
        objects, ledger = self._indexing.objects, self._indexing.ledger
        async for met in beside_ledger(self._container, after, objects, ledger, prefix=self._prefix):
            batch.append(met)
            if len(batch) == BATCH:
                await self._take(batch)
                yield batch[-1].key.name
                batch = []
        if batch:
            await self._take(batch)
            yield batch[-1].key.name

    async def _take(self, batch: Sequence[Met]) -> None:
        claims = await self._claims(batch)
        restored = await self._restored(batch)

        async def one(met: Met) -> None:
            await self._one(met, claims, restored)

        # Before any is indexed again, which puts it under its case, but brings back no commit of a stored one.
        await self._check_cases([met.entry for met in batch if met.is_settled and met.entry is not None])
        await in_parallel(one, batch, limit=AT_A_TIME)

    async def _claims(self, batch: Sequence[Met]) -> _Claims:
        """Return what the index has of the batch's objects that the ledger has as indexed, a query a series."""
        refs = {met.entry.ref.series for met in batch if met.entry is not None and met.entry.ref is not None}
        held: _Claims = {}
        for series in sorted(refs):
            async for claim in self._indexing.index.claims_in(series):
                held[claim.key] = claim
        return held

    async def _restored(self, batch: Sequence[Met]) -> set[str]:
        """Make the rows anew of stored cases that the ledger does not know; return their sessions."""
        unknown = {
            session: None
            for met in batch
            if met.entry is None
            and not is_manifest(met.key)
            and (session := session_of(met.key, self._ports.archive)) is not None
        }

        restored: set[str] = set()

        async def restore(session: str) -> None:
            if await restore_case(session, self._ports.storing):
                restored.add(session)

        await check_each(restore, unknown, self._state)
        return restored

    async def _one(self, met: Met, claims: _Claims, restored: set[str]) -> None:
        """Settle an object, and count its state."""
        session = session_of(met.key, self._ports.archive)
        published = upload_manifest_of(met.key, self._ports.archive)
        if met.key == published or (session is not None and is_manifest(met.key)):
            self._state.objects[ObjectState.IGNORED.value] += 1
            return
        try:
            kind = await self._kind(met, claims)
            if (
                kind is not None
                and met.entry is None
                and (self._is_waiting(met, session, restored) or not await self._is_published(published))
            ):
                self._state.objects[WAITING] += 1
                return
            if kind is not None:
                self._state.found(kind, str(met.key))
            entry = await self._settle(met, kind, is_restored=met.entry is None and session in restored)
        except AppError as error:
            facts = {"container": self._container, "error": type(error).__name__}
            event(_log, "object not reconciled", level=logging.WARNING, **facts)
            self._state.objects[FAILED] += 1
            return
        if entry is not None:
            self._state.objects[entry.state.value] += 1

    async def _is_published(self, manifest: ObjectKey | None) -> bool:
        """Tell whether an object is of no upload session, or of one whose manifest is there."""
        try:
            return manifest is None or bool(await self._indexing.objects.head(manifest))
        except ObjectNotFoundError:
            return False

    def _is_waiting(self, met: Met, session: str | None, restored: set[str]) -> bool:
        if session is not None:
            return session not in restored
        return met.info is not None and not self._state.force and self._ports.is_in_flight(met.info)

    async def _settle(self, met: Met, kind: Kind | None, *, is_restored: bool) -> LedgerEntry | None:
        if is_restored or (kind is None and not self._state.force):
            return met.entry or await self._indexing.ledger.get(met.key)
        again = self._state.force or kind in (Kind.UNINDEXED, Kind.REJECTION)
        await index_instance(met.key, self._indexing, again=again)
        return await self._indexing.ledger.get(met.key)

    async def _kind(self, met: Met, claims: _Claims) -> Kind | None:
        if met.info is None:
            was_rejected = met.entry is not None and met.entry.state is ObjectState.REJECTED
            return Kind.REJECTION if was_rejected else Kind.DELETED
        if met.entry is None:
            return Kind.NEW
        if met.entry.etag != met.info.etag:
            return Kind.CHANGED
        if met.entry.state is ObjectState.PENDING:
            return Kind.PENDING
        return await self._kind_of_settled(met.entry, claims.get(met.key))

    async def _kind_of_settled(self, entry: LedgerEntry, claim: HeldClaim | None) -> Kind | None:
        if entry.state is ObjectState.INDEXED:
            is_claimed = claim is not None and (claim.ref, claim.etag) == (entry.ref, entry.etag)
            return None if is_claimed else Kind.UNINDEXED
        if entry.state is ObjectState.REJECTED and not await self._is_explained(entry.key):
            return Kind.REJECTION
        return None

    async def _is_explained(self, key: ObjectKey) -> bool:
        try:
            await self._indexing.objects.head(rejected_key(self._indexing.rejected_container, key))
        except ObjectNotFoundError:
            return False
        return True

    async def _check_cases(self, entries: Sequence[LedgerEntry]) -> None:
        """Put images under their cases that the case index does not have there."""
        by_case: dict[tuple[str, str], list[LedgerEntry]] = {}
        for entry in entries:
            if (case := entry.case) is not None and entry.ref is not None:
                by_case.setdefault((case.year, case.case_id), []).append(entry)

        await check_each(self._check_case, by_case.values(), self._state)

    async def _check_case(self, entries: Sequence[LedgerEntry]) -> None:
        images = [image for entry in entries if (image := _image_of(entry)) is not None]
        try:
            there = await self._indexing.cases.images_of(images[0].year, images[0].case_id)
        except CaseBeingStoredError:
            return
        known = {(image.view, image.key) for image in there}
        for image in images:
            if (image.view, image.key) in known:
                continue
            session = session_of(image.key, self._ports.archive)
            if session is not None:
                if not await restore_case(session, self._ports.storing):
                    continue
            elif image.key.container == self._ports.archive and not await self._serves(image):
                continue
            else:
                await self._indexing.cases.put([image])
            self._state.found(Kind.UNCASED, str(image.key))

    async def _serves(self, image: CaseImage) -> bool:
        """Tell whether an image of the archive is what is served: what was replaced has left its case."""
        serving = await anext(self._indexing.index.claims_of(image.ref), None)
        return serving == image.key


def _image_of(entry: LedgerEntry) -> CaseImage | None:
    if entry.case is None or entry.ref is None:
        return None
    return CaseImage(entry.case.year, entry.case.case_id, entry.case.view, entry.key, entry.ref)
