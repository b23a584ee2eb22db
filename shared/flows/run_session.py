"""Publish what a session holds, all at once, or nothing. Begun again after a kill, it goes on where it was."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from shared.dicom.references import SeriesRef
from shared.errors import (
    ConcurrentChangeError,
    InvalidRequestError,
    ObjectChangedError,
    ObjectExistsError,
    ObjectNotFoundError,
    RejectedInstanceError,
)
from shared.flows._in_parallel import in_parallel
from shared.flows._session_end import clear_session, settle_session
from shared.flows._session_files import Opener, SessionFiles, read_list
from shared.flows._session_ports import BYTES, COMMITTING, FILES, THERE, SessionPorts
from shared.flows._session_staging import Taken, judge_late, take_file
from shared.ports.jobs import DONE, FAILED, ItemState, Job, JobItem
from shared.ports.sessions import Fate
from shared.records import PutOutcome
from shared.telemetry.tracing import flow

_BATCH: Final = 64
"""Files between two looks at the clock."""
_ROWS_AT_ONCE: Final = 16
_REFUSED: Final = (
    RejectedInstanceError,
    ObjectExistsError,
    ObjectChangedError,
    ObjectNotFoundError,
    InvalidRequestError,
)
"""What is wrong with one file, and would be again."""


@flow
async def run_session(job_id: str, ports: SessionPorts, *, seconds: float) -> Job:
    """Work on a session that was asked to be committed, for about *seconds*; a queue goes on after that.

    Returns:
        The job as it is then: done, failed because a file cannot be published, or still committing.

    Raises:
        JobNotFoundError: There is no such session.
    """
    job = await ports.jobs.get(job_id)
    if job.phase in (DONE, FAILED):
        return job
    fate = await ports.sessions.fate(job_id)
    if fate is Fate.OPEN and job.phase == COMMITTING:
        run = _Run(job, await read_list(job.facts[FILES], ports), ports)
        if not await run.stage_all(asyncio.get_running_loop().time() + seconds):
            await ports.work.send(job_id)
            return await ports.jobs.get(job_id)
        fate = await run.decide()
    if fate is Fate.COMMITTED:
        await settle_session(job, ports)
    elif fate is Fate.WITHDRAWN:
        await clear_session(
            job, "nothing was published: not every file can be, or the session was abandoned", ports
        )
    return await ports.jobs.get(job_id)


class _Run:
    """One go at the files of a session."""

    def __init__(self, job: Job, files: SessionFiles, ports: SessionPorts) -> None:
        self._job = job
        self._files = files
        self._ports = ports
        self._opener = Opener(job.job_id, files, ports)
        self._failed = 0
        self._series: set[SeriesRef] = set()

    async def stage_all(self, end: float) -> bool:
        """Take in what is not taken in yet; False if the time was up before the last."""
        jobs, job_id = self._ports.jobs, self._job.job_id
        listed = [JobItem(number, source=name) for number, (name, _, _) in enumerate(self._files.files, 1)]
        await jobs.add_items(job_id, listed)
        items = [item async for item in jobs.items(job_id)]
        for item in items:
            self._count(item)
        waiting = [item for item in items if item.state is ItemState.PENDING]
        for start in range(0, len(waiting), _BATCH):
            if start and asyncio.get_running_loop().time() > end:
                return False
            await self._stage(waiting[start : start + _BATCH])
        return True

    async def decide(self) -> Fate:
        """Commit if every file can be published, else withdraw; return what was decided, perhaps by another."""
        if self._failed:
            await self._ports.sessions.withdraw(self._job.job_id)
        else:
            await self._ports.sessions.commit(self._job.job_id, sorted(self._series))
        return await self._ports.sessions.fate(self._job.job_id)

    def _count(self, item: JobItem) -> None:
        self._failed += item.state is ItemState.FAILED
        if item.state is ItemState.DONE and item.ref is not None and THERE not in item.facts:
            self._series.add(item.ref.series)

    async def _stage(self, items: Sequence[JobItem]) -> None:
        taken = await in_parallel(self._take, items, limit=self._opener.at_once)
        by_series: dict[SeriesRef, list[tuple[JobItem, Taken]]] = {}
        done: list[JobItem] = []
        for item, one in zip(items, taken, strict=True):
            if isinstance(one, JobItem):
                done.append(one)
            elif one.record is None:
                done.append(self._done(item, one, there=True))
            else:
                by_series.setdefault(one.identity.ref.series, []).append((item, one))
        for group in await in_parallel(self._stage_series, by_series.values(), limit=self._opener.at_once):
            done += group
        for item in done:
            self._count(item)
        await in_parallel(partial(self._ports.jobs.put_item, self._job.job_id), done, limit=_ROWS_AT_ONCE)

    async def _take(self, item: JobItem) -> Taken | JobItem:
        try:
            return await take_file(self._job.job_id, partial(self._opener.open, item.source), self._ports)
        except _REFUSED as error:
            return replace(item, state=ItemState.FAILED, error=str(error))

    async def _stage_series(self, group: Sequence[tuple[JobItem, Taken]]) -> list[JobItem]:
        sessions, session = self._ports.sessions, self._job.job_id
        done: list[JobItem] = []
        records = [taken.record for _, taken in group if taken.record is not None]
        try:
            outcomes = await sessions.stage(session, records)
        except (ConcurrentChangeError, RejectedInstanceError) as error:
            return [replace(item, state=ItemState.FAILED, error=str(error)) for item, _ in group]
        for (item, taken), outcome in zip(group, outcomes, strict=True):
            try:
                if outcome is PutOutcome.EXISTS:
                    await judge_late(taken, self._ports)
                done.append(self._done(item, taken, there=outcome is PutOutcome.EXISTS))
            except _REFUSED as error:
                done.append(replace(item, state=ItemState.FAILED, error=str(error)))
        return done

    def _done(self, item: JobItem, taken: Taken, *, there: bool) -> JobItem:
        size = self._files.files[item.number - 1][1]
        return replace(
            item,
            ref=taken.identity.ref,
            state=ItemState.DONE,
            counts={BYTES: size},
            facts={THERE: "true"} if there else {},
        )
