"""Find out that an import is done, without reading all of its items whenever one is: a mark moves along the items.

Whoever finishes the item behind the mark moves it over all that are finished, looks once more behind it, and so meets
whoever finished the next one meanwhile. All others have only looked at it.
"""

from typing import Final

from shared.errors import ConcurrentChangeError
from shared.flows._import_order import RUNNING, ImportOrder, ImportPorts, order_of
from shared.flows.list_imported import list_imported
from shared.ports.jobs import DONE, ItemState, Job
from shared.records import ObjectKey

_MARK: Final = "finished"
_MANIFEST: Final = "manifest.jsonl"


async def note_finished(job_id: str, number: int, ports: ImportPorts) -> None:
    """Note that an item is finished, 0 for none; end the job if all are."""
    while True:
        job = await ports.jobs.get(job_id)
        mark = int(job.facts.get(_MARK, "0"))
        if number > mark + 1:
            return
        reached = mark
        while reached < job.item_count and await _is_finished(job_id, reached + 1, ports):
            reached += 1
        if reached > mark and not await ports.jobs.advance(
            job_id, expected=job.phase, phase=job.phase, facts={_MARK: str(reached)}
        ):
            continue  # all studies are known by now
        if reached == job.item_count:
            break
        if not await _is_finished(job_id, reached + 1, ports):
            return
        number = 0
    job = await ports.jobs.get(job_id)
    if job.phase == RUNNING and reached == job.item_count:
        await _end(job, order_of(job), ports)


async def _is_finished(job_id: str, number: int, ports: ImportPorts) -> bool:
    return (await ports.jobs.item(job_id, number)).state is not ItemState.PENDING


async def _end(job: Job, order: ImportOrder, ports: ImportPorts) -> None:
    if order.incremental:
        await _move_cursor(job, order, ports)
    if order.is_flat:
        key = ObjectKey(order.container, f"{order.prefix}{_MANIFEST}")
        await ports.objects.put(
            key,
            list_imported(job, objects=ports.objects, container=ports.derived_container),
            content_type="application/jsonl",
        )
    await ports.jobs.advance(job.job_id, expected=RUNNING, phase=DONE)


async def _move_cursor(job: Job, order: ImportOrder, ports: ImportPorts) -> None:
    """Let the next incremental import begin behind this one, or at the first thing that may succeed then."""
    reached = int(job.facts.get("after") or "0")
    async for item in ports.jobs.items(job.job_id):
        if item.state is ItemState.FAILED and item.facts.get("again"):
            reached = min(reached, int(item.facts.get("before") or "0"))
    while True:
        seen = await ports.checkpoints.get(order.cursor_name)
        if seen is not None and int(seen.value) >= reached:
            return
        try:
            await ports.checkpoints.put(order.cursor_name, str(reached), seen=seen)
        except ConcurrentChangeError:
            continue
        return
