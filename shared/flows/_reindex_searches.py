"""Reconcile what searches find with the index: studies that are not found as they are, and such as are no more."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from shared.dicom.query import Level, MatchKey, Query, SingleValue
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.flows._reindex_checks import check_each
from shared.flows._reindex_ports import PartitionPorts
from shared.flows._reindex_rows import read_series, written_series
from shared.flows._reindex_state import Kind, Reindexing
from shared.records import Json

_STUDIES: Final = 25
_STUDY: Final = "0020000D"
_INSTANCE: Final = "00080018"
_INSTANCES_OF_STUDY: Final = "00201208"
_SAME_INSTANCE: Final = 50
"""Studies that may hold one SOP instance; more are not looked through."""


@dataclass(slots=True)
class _Counted:
    """A study as the index has it: how many instances serve, one of them, the series it was last seen with."""

    instances: int
    one: InstanceRef
    last: SeriesRef


class Found:
    """The step over the studies of the index: each must be found by its UID with its count, and one instance by its."""

    def __init__(self, ports: PartitionPorts, state: Reindexing) -> None:
        self._ports = ports
        self._state = state

    async def batches(self, after: str) -> AsyncIterator[str]:
        """Work on the studies that follow *after*; yield the end of each batch when it is done."""
        batch: list[_Counted] = []
        async for claim in self._ports.indexing.index.scan(read_series(after)):
            if not claim.serves:
                continue
            if not batch or batch[-1].one.study != claim.ref.study:
                if len(batch) == _STUDIES:
                    await check_each(self._check, batch, self._state)
                    yield written_series(batch[-1].last)
                    batch = []
                batch.append(_Counted(0, claim.ref, claim.ref.series))
            batch[-1].instances += 1
            batch[-1].last = claim.ref.series
        await check_each(self._check, batch, self._state)

    async def _check(self, study: _Counted) -> None:
        ref = study.one.study
        rows = await self._search("study", _STUDY, ref.study_instance_uid)
        if [row.get(_INSTANCES_OF_STUDY, {}).get("Value") for row in rows] == [[study.instances]]:
            rows = await self._search("instance", _INSTANCE, study.one.sop_instance_uid)
            if any(row[_STUDY].get("Value") == [ref.study_instance_uid] for row in rows):
                return
        self._state.found(Kind.SEARCH, ref.study_instance_uid)
        await self._ports.summaries.rebuild(ref)

    async def _search(self, level: Level, tag: str, uid: str) -> list[Json]:
        query = Query(level, _SAME_INSTANCE, keys=(MatchKey((tag,), "UI", SingleValue(uid)),))
        return (await self._ports.search.search(query)).rows


class Gone:
    """The step over the studies that searches have: those of which the index has nothing go."""

    def __init__(self, ports: PartitionPorts, state: Reindexing) -> None:
        self._ports = ports
        self._state = state

    async def batches(self, after: str) -> AsyncIterator[str]:
        """Work on the studies that follow *after*; yield the last of each batch when it is done."""
        batch: list[StudyRef] = []
        async for study in self._ports.studies.scan(StudyRef(after) if after else None):
            batch.append(study.ref)
            if len(batch) == _STUDIES:
                await check_each(self._check, batch, self._state)
                yield batch[-1].study_instance_uid
                batch = []
        await check_each(self._check, batch, self._state)

    async def _check(self, study: StudyRef) -> None:
        if await anext(self._ports.indexing.index.claims_in(study), None) is None:
            self._state.found(Kind.SEARCH, study.study_instance_uid)
            await self._ports.summaries.rebuild(study)
