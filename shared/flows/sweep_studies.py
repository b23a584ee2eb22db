"""Sum up the studies whose message was lost or is late."""

import asyncio
import logging
from typing import Final

from shared.dicom.references import StudyRef
from shared.errors import AppError
from shared.ports.archive import StudySummaries
from shared.telemetry.events import event
from shared.telemetry.tracing import flow

_log = logging.getLogger(__name__)

_PAGE: Final = 50


@flow
async def sweep_studies(*, summaries: StudySummaries, seconds: float) -> int:
    """Refresh what is due, the longest-waiting first, until nothing is or *seconds* have passed; return how many.

    Each is refreshed once. One that fails, or stays due because its writer has not come yet or never will, is left to
    the next sweep: it must not keep the others waiting.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    seen: set[StudyRef] = set()
    refreshed = 0
    while True:
        # Those that stay due come first again, so the page must reach beyond them.
        due = [ref for ref in await summaries.due(_PAGE + len(seen)) if ref not in seen]
        if not due:
            return refreshed
        for ref in due:
            if loop.time() >= end:
                return refreshed
            seen.add(ref)
            try:
                await summaries.refresh(ref)
            except AppError as error:
                event(
                    _log,
                    "study not refreshed",
                    level=logging.WARNING,
                    study_instance_uid=ref.study_instance_uid,
                    error=type(error).__name__,
                )
                continue
            refreshed += 1
