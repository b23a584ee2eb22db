"""Finish or remove what requests that died have left of storing cases."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.errors import AppError
from shared.flows._case_commit import CaseStorePorts, clear_session, images_of_session, settle_commit
from shared.records import CaseSession
from shared.telemetry.events import event
from shared.telemetry.tracing import flow

_log = logging.getLogger(__name__)

COMMITTED_AGE: Final = timedelta(minutes=1)
"""Of a session whose commit is not finished yet: what follows a commit takes a second."""
OPEN_AGE: Final = timedelta(hours=6)
"""Of a session that may still be sending."""


@flow
async def sweep_cases(
    ports: CaseStorePorts,
    *,
    seconds: float,
    committed_age: timedelta = COMMITTED_AGE,
    open_age: timedelta = OPEN_AGE,
) -> int:
    """Settle the sessions that are older than their ages, until *seconds* have passed; return how many.

    One that fails is left to the next sweep.
    """
    loop = asyncio.get_running_loop()
    end, now, swept = loop.time() + seconds, datetime.now(UTC), 0
    for session in await ports.sessions.begun_before(now - min(committed_age, open_age)):
        if loop.time() >= end:
            break
        try:
            swept += await _sweep(session, ports, now - committed_age, now - open_age)
        except AppError as error:
            event(_log, "case not swept", level=logging.WARNING, error=type(error).__name__)
    return swept


async def _sweep(
    session: CaseSession, ports: CaseStorePorts, committed_before: datetime, open_before: datetime
) -> bool:
    commit, images = await ports.sessions.case_of(session.year, session.case_id)
    if commit is not None and commit.session.key == session.key:
        if session.begun_at >= committed_before:
            return False
        await settle_commit(commit, images_of_session(ports, session.key, images), ports)
        return True
    if session.begun_at >= open_before:
        return False
    await clear_session(session, ports)
    return True
