"""Look for the studies of an import, page by page, and ask for each that it be imported. It imports none itself."""

import asyncio
import hashlib
from dataclasses import replace
from typing import Final

from shared.errors import PermanentError, SourceRefusedError, SourceUnavailableError
from shared.flows._import_end import note_finished
from shared.flows._import_manifest import Plan
from shared.flows._import_order import QUEUED, RUNNING, ImportOrder, ImportPorts, order_of
from shared.flows._in_parallel import in_parallel
from shared.ports.imports import FoundStudies
from shared.ports.jobs import FAILED, ItemState, Job, JobItem
from shared.telemetry.tracing import flow

__all__ = ["discover_import"]

_SENDS: Final = 16
_LISTINGS: Final = 8

type Listing = list[str] | SourceRefusedError | SourceUnavailableError


@flow
async def discover_import(job_id: str, ports: ImportPorts, *, seconds: float) -> bool:
    """Find the studies of a job; return whether all are known.

    A study that is known keeps its number, however often it is found. When *seconds* are over, the job is sent to its
    queue again, and goes on with the next page.

    Raises:
        JobNotFoundError: There is no such job.
        TransientError: Trying again may help; what was found until then is kept.
    """
    job = await ports.jobs.get(job_id)
    if job.phase == QUEUED:
        try:
            found = await _Discovery(job, ports).go_on(asyncio.get_running_loop().time() + seconds)
        except PermanentError as error:
            await ports.jobs.advance(job_id, expected=QUEUED, phase=FAILED, error=str(error))
            return True
        if not found:
            await ports.work.send(job_id)
            return False
    await note_finished(job_id, 0, ports)
    return True


class _Discovery:
    """The studies of one job, as far as they are known."""

    def __init__(self, job: Job, ports: ImportPorts) -> None:
        self._job = job
        self._ports = ports
        self._order: ImportOrder = order_of(job)
        self._plans = self._order.is_flat or not ports.source.lists_uids
        self._known: dict[str, JobItem] = {}
        self._instances: set[bytes] = set()
        self._files = 0

    async def go_on(self, end: float) -> bool:
        """Look for what is left; return whether that is all."""
        sent = int(self._job.facts.get("sent", "0"))
        unsent = await self._remember(sent)
        await self._send(unsent)
        after, more = self._job.facts.get("after", ""), True
        while more:
            page = await self._page(after)
            await self._take(page, before=after)
            after, more = page.after, page.more
            count = str(len(self._known))
            facts = {"after": after, "sent": count, "discovered": "" if more else "1"}
            phase = QUEUED if more else RUNNING
            await self._ports.jobs.advance(
                self._job.job_id, expected=QUEUED, phase=phase, item_count=len(self._known), facts=facts
            )
            if more and asyncio.get_running_loop().time() >= end:
                return False
        return True

    async def _page(self, after: str) -> FoundStudies:
        if self._order.incremental:
            return await self._ports.source.changes(after)
        return await self._ports.source.discover(self._order.wanted, after)

    async def _remember(self, sent: int) -> list[JobItem]:
        """Learn what is known; return what nobody may have been asked to import."""
        unsent = []
        async for item in self._ports.jobs.items(self._job.job_id):
            self._known[item.source] = item
            if item.number > sent and item.state is ItemState.PENDING:
                unsent.append(item)
            if "planned" in item.facts:
                for source_id, file in await self._plan(item.number).read() or []:
                    self._instances.add(_digest(source_id))
                    self._files = max(self._files, file)
        return [item for item in unsent if "unplanned" not in item.facts]

    async def _take(self, page: FoundStudies, *, before: str) -> None:
        """Make items of the studies that are new, in their order."""
        new = [study for study in dict.fromkeys(page.studies) if self._is_new(study)]
        if not new:
            return
        listings = await in_parallel(self._listing, new, limit=_LISTINGS) if self._plans else [[]] * len(new)
        added, planned_late = list[JobItem](), list[JobItem]()
        for study, listing in zip(new, listings, strict=True):
            known = self._known.get(self._source(study))
            number = len(self._known) + 1 if known is None else known.number
            item = await self._item(study, number, listing, before)
            self._known[item.source] = item
            (added if known is None else planned_late).append(item)
        await self._ports.jobs.add_items(self._job.job_id, added)
        for item in planned_late:
            await self._ports.jobs.put_item(self._job.job_id, item)
        await self._send([item for item in (*added, *planned_late) if item.state is ItemState.PENDING])

    async def _item(self, study: str, number: int, listing: Listing, before: str) -> JobItem:
        item = JobItem(number, source=self._source(study), facts={"before": before} if before else {})
        if not self._plans:
            return item
        if not isinstance(listing, list):
            again = "1" if isinstance(listing, SourceUnavailableError) else ""
            facts = {"unplanned": "1", "again": again}
            return replace(item, state=ItemState.FAILED, error=str(listing), facts=facts)
        planned = []
        for source_id in listing:
            if (digest := _digest(source_id)) not in self._instances or source_id.startswith("invalid-"):
                self._instances.add(digest)
                self._files += 1
                planned.append((source_id, self._files))
        await self._plan(number).write(planned)
        return replace(item, facts={"planned": str(len(planned))})

    async def _listing(self, study: str) -> Listing:
        try:
            return [instance.source_id async for instance in self._ports.source.instances(study)]
        except (SourceRefusedError, SourceUnavailableError) as error:
            return error

    def _is_new(self, study: str) -> bool:
        known = self._known.get(self._source(study))
        return known is None or (known.state is ItemState.PENDING and "unplanned" in known.facts)

    def _source(self, study: str) -> str:
        """Return what an item is called by; where it is planned, the study itself need not be known any more.

        A study list calls studies by the ids of patients, which do not belong into a table of jobs.
        """
        if not self._plans:
            return study
        return hashlib.sha256(f"{self._job.job_id} {study}".encode()).hexdigest()[:32]

    def _plan(self, number: int) -> Plan:
        return Plan(self._ports.objects, self._ports.derived_container, self._job.job_id, number)

    async def _send(self, items: list[JobItem]) -> None:
        async def send(item: JobItem) -> None:
            await self._ports.work.send(self._job.job_id, item.number)

        await in_parallel(send, items, limit=_SENDS)


def _digest(source_id: str) -> bytes:
    return hashlib.sha256(source_id.encode()).digest()[:16]
