"""Finish commits whose process has died, and remove sessions that have expired."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.errors import AppError, JobNotFoundError
from shared.flows._session_end import remove_uploads
from shared.flows._session_ports import OPEN, SessionPorts
from shared.flows._session_targets import expires_at
from shared.flows.abandon_session import abandon_session
from shared.flows.run_session import run_session
from shared.ports.jobs import DONE, FAILED, Job
from shared.ports.sessions import Fate
from shared.telemetry.events import event
from shared.telemetry.tracing import flow

_log = logging.getLogger(__name__)

IDLE: Final = timedelta(minutes=10)
"""Without any step of a commit, after which its process is taken to be gone."""
_SETTLING: Final = timedelta(minutes=2)
"""The same of one that is committed: what follows takes seconds, and feed and ledger wait for it."""
_LOST: Final = timedelta(hours=1)
"""After which a session that was noted and never made is forgotten."""
_UPLOADING: Final = timedelta(minutes=15)
"""After a session has expired: an upload that was begun before may still end."""


@flow
async def sweep_sessions(
    ports: SessionPorts,
    bind: Callable[[Job], Awaitable[SessionPorts]],
    *,
    seconds: float,
    idle: timedelta = IDLE,
) -> int:
    """Look at every unfinished session until *seconds* have passed; return how many were worked on.

    Args:
        ports: Of any data partition.
        bind: Gives the ports of a session's own.
        seconds: After which no more is begun.
        idle: Since the last step of a commit.
    """
    loop = asyncio.get_running_loop()
    end, now, swept = loop.time() + seconds, datetime.now(UTC), 0
    for session in await ports.sessions.unfinished(now):
        if loop.time() >= end:
            break
        try:
            swept += await _sweep(session, ports, bind, now=now, idle=idle, end=end)
        except AppError as error:
            event(_log, "session not swept", level=logging.WARNING, error=type(error).__name__)
    return swept


async def _sweep(
    session: str,
    ports: SessionPorts,
    bind: Callable[[Job], Awaitable[SessionPorts]],
    *,
    now: datetime,
    idle: timedelta,
    end: float,
) -> bool:
    """Settle, remove or forget a session that has been left alone; False if it has not."""
    try:
        job = await ports.jobs.get(session)
    except JobNotFoundError:
        return await _forget_unmade(session, ports, now)
    own = await bind(job)
    is_over = expires_at(job) + _UPLOADING <= now
    fate = await own.sessions.fate(session)
    if job.phase in (DONE, FAILED) or (job.phase == OPEN and fate is Fate.OPEN):
        if is_over:
            await _end_expired(job, own)
        return is_over
    patience = min(idle, _SETTLING) if fate is Fate.COMMITTED else idle
    if await _last_step(job, own) + patience > now:
        return False
    if job.phase == OPEN or fate is not Fate.OPEN:
        await run_session(session, own, seconds=end - asyncio.get_running_loop().time())
    else:
        await own.work.send(session)
    return True


async def _forget_unmade(session: str, ports: SessionPorts, now: datetime) -> bool:
    is_lost = session in await ports.sessions.unfinished(now - _LOST)
    if is_lost:
        await ports.sessions.forget(session)
    return is_lost


async def _end_expired(job: Job, own: SessionPorts) -> None:
    """Remove what was put, also after the session's end: from now on nobody can put anything."""
    if job.phase == OPEN:
        await abandon_session(job.job_id, own, why="expired")
    await remove_uploads(job.job_id, own)
    await own.sessions.forget(job.job_id)


async def _last_step(job: Job, ports: SessionPorts) -> datetime:
    last = job.changed_at or job.created_at
    async for item in ports.jobs.items(job.job_id):
        if item.changed_at is not None:
            last = max(last, item.changed_at)
    return last
