"""Reconcile what is derived of objects with the ledger: rejections, the claims of the index, the images of cases."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from shared.dicom.references import InstanceRef, SeriesRef
from shared.errors import CaseBeingStoredError, ObjectNotFoundError
from shared.flows._archive_key import instance_of
from shared.flows._reindex_checks import check_each
from shared.flows._reindex_ports import BATCH, PartitionPorts
from shared.flows._reindex_state import Kind, Reindexing
from shared.flows._rejected import rejected_key
from shared.flows.index_instance import index_instance
from shared.ports.archive import ObjectStore
from shared.records import (
    CaseImage,
    CaseQuery,
    CaseSummary,
    HeldClaim,
    ObjectInfo,
    ObjectKey,
    ObjectState,
)

_MAX_REJECTION: Final = 64 * 1024
_JOINER: Final = " "
"""Between what places consist of: not in a UID."""


class Rejections:
    """The step over the rejections of one container's objects: those go whose object is gone or was taken since."""

    def __init__(self, container: str, ports: PartitionPorts, state: Reindexing) -> None:
        self._container = container
        own = f"{ports.name}/" if container == ports.archive else ""
        self._prefix = f"{container}/{own}"
        self._indexing = ports.indexing
        self._state = state

    async def batches(self, after: str) -> AsyncIterator[str]:
        """Work on the rejections after *after*; yield the last name of each batch when it is done."""
        container = self._indexing.rejected_container
        batch: list[ObjectInfo] = []
        async for info in self._indexing.objects.scan(container, prefix=self._prefix, after=after):
            batch.append(info)
            if len(batch) == BATCH:
                await check_each(self._check, batch, self._state)
                yield batch[-1].key.name
                batch = []
        await check_each(self._check, batch, self._state)

    async def _check(self, info: ObjectInfo) -> None:
        name = info.key.name.removeprefix(f"{self._container}/").removesuffix(".json")
        if await self._is_rejected(ObjectKey(self._container, name), info):
            return
        key = await self._told(info)
        if key is None or rejected_key(info.key.container, key) != info.key:
            return  # another's
        entry = await self._indexing.ledger.get(key)
        if entry is not None and entry.state in (ObjectState.REJECTED, ObjectState.PENDING):
            return
        if entry is None and await _is_there(key, self._indexing.objects):
            return  # nobody has looked at it yet
        await self._indexing.objects.delete(info.key, if_match=info.etag)
        self._state.found(Kind.REJECTION, str(key))

    async def _is_rejected(self, key: ObjectKey, info: ObjectInfo) -> bool:
        entry = await self._indexing.ledger.get(key)
        return (
            entry is not None
            and entry.state is ObjectState.REJECTED
            and rejected_key(info.key.container, key) == info.key
        )

    async def _told(self, info: ObjectInfo) -> ObjectKey | None:
        import orjson

        try:
            found = await self._indexing.objects.read_range(info.key, 0, _MAX_REJECTION)
            said = orjson.loads(found.data)
            return ObjectKey(str(said["container"]), str(said["name"]))
        except (ObjectNotFoundError, ValueError, TypeError, KeyError):
            return None


class Claims:
    """The step over the index: what it has of objects that the ledger does not know as holding that instance."""

    def __init__(self, ports: PartitionPorts, state: Reindexing) -> None:
        self._ports = ports
        self._indexing = ports.indexing
        self._state = state
        self._listed = {*ports.watched, ports.archive}

    async def batches(self, after: str) -> AsyncIterator[str]:
        """Work on the series that follow *after*; yield the last of each batch when it is done."""
        batch: list[HeldClaim] = []
        async for claim in self._indexing.index.scan(read_series(after)):
            if len(batch) >= BATCH and claim.ref.series != batch[-1].ref.series:
                await check_each(self._check, batch, self._state)
                yield written_series(batch[-1].ref.series)
                batch = []
            batch.append(claim)
        await check_each(self._check, batch, self._state)

    async def _check(self, claim: HeldClaim) -> None:
        entry = await self._indexing.ledger.get(claim.key)
        if entry is not None and (entry.ref == claim.ref or entry.state is ObjectState.PENDING):
            # The ledger was compared with the listing; other containers are not listed.
            if claim.key.container in self._listed or await _is_there(claim.key, self._indexing.objects):
                return
            await index_instance(claim.key, self._indexing)
            self._state.found(Kind.ORPHANED, str(claim.key))
            return
        if entry is None:
            try:
                info = await self._indexing.objects.head(claim.key)
            except ObjectNotFoundError:
                pass
            else:
                if self._ports.is_in_flight(info) and not self._state.force:
                    return
                await index_instance(claim.key, self._indexing)
                entry = await self._indexing.ledger.get(claim.key)
                if entry is not None and entry.ref == claim.ref:
                    return
        await self._remove(claim.ref, claim.key)

    async def _remove(self, ref: InstanceRef, key: ObjectKey) -> None:
        await self._indexing.index.remove(ref, key)
        self._state.found(Kind.ORPHANED, str(key))
        entry = await self._indexing.ledger.get(key)
        if entry is not None and entry.ref == ref:
            # Another handler has come to claim the same meanwhile, and its claim was just removed.
            await index_instance(key, self._indexing, again=True)
        await self._indexing.queue.study_changed(ref.study)


class Cases:
    """The step over the case index: images of objects that are gone, are of another case, or were replaced."""

    def __init__(self, ports: PartitionPorts, state: Reindexing) -> None:
        self._ports = ports
        self._indexing = ports.indexing
        self._state = state

    async def batches(self, after: str) -> AsyncIterator[str]:
        """Work on the cases after *after*; yield the last of each batch when it is done."""
        import orjson

        place = tuple(orjson.loads(after)) if after else None
        while page := await self._indexing.cases.page(CaseQuery(BATCH, after=place)):
            await check_each(self._check, page, self._state)
            place = (page[-1].year, page[-1].case_id)
            yield orjson.dumps(place).decode()

    async def _check(self, case: CaseSummary) -> None:
        try:
            images = await self._indexing.cases.images_of(case.year, case.case_id)
        except CaseBeingStoredError:
            return
        stale = [image for image in images if not await self._is_of_it(image)]
        for image in stale:
            await self._indexing.cases.remove(image.year, image.case_id, image.view, image.key)
            self._state.found(Kind.CASE, str(image.key))

    async def _is_of_it(self, image: CaseImage) -> bool:
        entry = await self._indexing.ledger.get(image.key)
        if entry is None or entry.case is None:
            return False
        case = entry.case
        if (case.year, case.case_id, case.view) != (image.year, image.case_id, image.view):
            return False
        if image.key.container != self._ports.archive or instance_of(image.key) is None:
            return True
        serving: Sequence[ObjectKey] = [key async for key in self._indexing.index.claims_of(image.ref)][:1]
        return not serving or serving[0].container != self._ports.archive or serving[0] == image.key


async def _is_there(key: ObjectKey, objects: ObjectStore) -> bool:
    try:
        await objects.head(key)
    except ObjectNotFoundError:
        return False
    return True


def read_series(place: str) -> SeriesRef | None:
    """Return the series that a place names, None for the beginning."""
    study, _, series = place.partition(_JOINER)
    return SeriesRef(study, series) if place else None


def written_series(ref: SeriesRef) -> str:
    """Return a series as a place."""
    return f"{ref.study_instance_uid}{_JOINER}{ref.series_instance_uid}"
