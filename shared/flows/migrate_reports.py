"""Move the reports that others wrote to where they are found by key."""

import asyncio
from dataclasses import dataclass
from typing import Final

from shared.flows._in_parallel import in_parallel
from shared.ports.cases import CaseIndex, Checkpoints, Reports
from shared.telemetry.tracing import flow

CHECKPOINT: Final = "report-migration"
_PAGE: Final = 500
_CONCURRENT: Final = 16


@dataclass(frozen=True, slots=True)
class Migration:
    """What a call did: reports *moved* and *kept* where they were, and whether all were seen."""

    moved: int
    kept: int
    done: bool


@flow
async def migrate_reports(
    *, reports: Reports, cases: CaseIndex, checkpoints: Checkpoints, seconds: float
) -> Migration:
    """Go on with moving reports for about *seconds*, or begin; each that is met is noted in the list of cases.

    When it is done, a report that is missing is no longer searched for through the whole table. Reports that others
    write afterwards are found once this was called again.

    Raises:
        ConcurrentChangeError: Another call moves reports at the same time.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    seen = await checkpoints.get(CHECKPOINT)
    after: str | None = "" if seen is None else seen.value
    moved = kept = 0
    while after is not None:
        page = await reports.migrate(after, _PAGE)
        await in_parallel(lambda case: cases.note_report(*case, present=True), page.cases, limit=_CONCURRENT)
        moved, kept, after = moved + page.moved, kept + page.kept, page.after
        if after is not None:
            seen = await checkpoints.put(CHECKPOINT, after, seen=seen)
            if loop.time() >= end:
                return Migration(moved, kept, done=False)
    await checkpoints.remove(CHECKPOINT)
    return Migration(moved, kept, done=True)
