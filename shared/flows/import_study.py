"""Import one study of an import, or as much of it as there is time for. What was recorded as done is not fetched again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

from shared.errors import PermanentError
from shared.flows._import_end import note_finished
from shared.flows._import_manifest import FAILED, STORED, Entry, Manifest, Plan
from shared.flows._import_order import ImportOrder, ImportPorts, order_of
from shared.flows._import_writes import ArchiveTarget, FlatTarget, GoOn
from shared.ports.imports import SourceInstance
from shared.ports.jobs import DONE, ItemState, Job, JobItem
from shared.ports.jobs import FAILED as JOB_FAILED
from shared.telemetry.tracing import flow

__all__ = ["ImportOrder", "ImportPorts", "import_study", "order_of"]

_FIRST, _MOST = 8, 64
"""Instances between two notes of what is done; they double. So many, at most, are fetched again after a crash, and an app
that crashes over and over gets on all the same."""


@flow
async def import_study(job_id: str, number: int, ports: ImportPorts, *, seconds: float) -> bool:
    """Import the study that is the item *number* of a job; return whether it is finished.

    When *seconds* are over, it is sent to its queue again. An instance that fails is listed, and the rest goes on.

    Raises:
        JobNotFoundError: There is no such job or item.
        TransientError: Trying again may help; what is done until then stays done.
    """
    job = await ports.jobs.get(job_id)
    if job.phase in (DONE, JOB_FAILED):
        return True
    item = await ports.jobs.item(job_id, number)
    if item.state is ItemState.PENDING:
        study = _Study(job, item, ports)
        try:
            finished = await study.go_on(asyncio.get_running_loop().time() + seconds)
        except PermanentError as error:
            await ports.jobs.put_item(job_id, replace(item, state=ItemState.FAILED, error=str(error)))
            finished = True
        if not finished:
            await ports.work.send(job_id, number)
            return False
    await note_finished(job_id, number, ports)
    return True


class _Study:
    """One study on its way."""

    def __init__(self, job: Job, item: JobItem, ports: ImportPorts) -> None:
        self._job = job
        self._item = item
        self._ports = ports
        self._round = int(item.facts.get("round", "0"))
        self._order: ImportOrder = order_of(job)
        self._target = FlatTarget(ports, self._order) if self._order.is_flat else ArchiveTarget(ports)
        self._manifest = Manifest(ports.objects, ports.derived_container, job.job_id, item.number)
        self._states: dict[str, str] = {}
        self._failed: dict[str, Entry] = {}
        self._counts: Counter[str] = Counter()

    async def go_on(self, end: float) -> bool:
        """Import what is left; return whether that is all."""
        async for entry in self._manifest.entries():
            if entry.state != FAILED or entry.round == self._round:
                self._note(entry)
        loop = asyncio.get_running_loop()
        batch: list[tuple[SourceInstance, int]] = []
        at_once = _FIRST
        async for instance, file in self._listed():
            if instance.source_id in self._states:
                continue
            self._states[instance.source_id] = ""
            batch.append((instance, file))
            if len(batch) == at_once:
                await self._import(batch, lambda: loop.time() < end)
                await self._ports.jobs.put_item(self._job.job_id, self._told(ItemState.PENDING))
                batch, at_once = [], min(2 * at_once, _MOST)
                if loop.time() >= end:
                    return False
        await self._import(batch, lambda: loop.time() < end)
        if "" in self._states.values():
            await self._ports.jobs.put_item(self._job.job_id, self._told(ItemState.PENDING))
            return False
        await self._finish()
        return True

    async def _listed(self) -> AsyncIterator[tuple[SourceInstance, int]]:
        """Yield what is to be imported, as it was planned where it was, with the numbers of files."""
        plan = Plan(self._ports.objects, self._ports.derived_container, self._job.job_id, self._item.number)
        planned = await plan.read() if "planned" in self._item.facts else None
        if planned is not None:
            for source_id, file in planned:
                yield SourceInstance(source_id), file
            return
        async for instance in self._ports.source.instances(self._item.source):
            yield instance, 0

    async def _import(self, batch: list[tuple[SourceInstance, int]], go_on: GoOn) -> None:
        entries: list[Entry] = []
        absent = []
        for instance, file in batch:
            entry = await self._target.present(instance)
            if entry is None:
                absent.append((instance, file))
            else:
                entries.append(entry)
        try:
            if absent:
                async for entry in self._target.write(absent, go_on):
                    entries.append(entry)  # noqa: PERF401 - they are kept when the next one fails
        finally:
            noted = [replace(entry, round=self._round) for entry in entries]
            await self._manifest.add(noted)
        for entry in noted:
            self._note(entry)

    def _note(self, entry: Entry) -> None:
        if self._states.get(entry.source_id, "") not in ("", FAILED):
            return
        self._states[entry.source_id] = entry.state
        self._failed.pop(entry.source_id, None)
        if entry.state == FAILED:
            self._failed[entry.source_id] = entry
            return
        self._counts[entry.state] += 1
        self._counts["mismatched"] += bool(entry.mismatch)
        if entry.state == STORED:
            self._counts["bytes"] += entry.size or 0

    async def _finish(self) -> None:
        state = ItemState.FAILED if self._failed else ItemState.DONE
        await self._ports.jobs.put_item(self._job.job_id, self._told(state))

    def _told(self, state: ItemState) -> JobItem:
        failed = self._failed.values()
        error = ""
        if state is ItemState.FAILED:
            first = next(iter(failed)).error
            error = f"{len(failed)} of {len(self._states)} instances failed, the first: {first}"
        counts = {**self._counts, "failed": len(failed)}
        facts = {**self._item.facts, "again": "1" if any(entry.again for entry in failed) else ""}
        return replace(self._item, state=state, error=error, counts=counts, facts=facts)
