"""Lead a run from phase to phase; each step may be done again after a kill. It sends no file.

queued -> preparing -> uploading -> analytics -> triggering -> closing -> done or failed
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from shared.errors import PermanentError
from shared.flows._next_attempt import begin_next_attempt
from shared.flows._sent_item import BUMPED
from shared.flows._upload_log import tries_text, upload_log
from shared.flows._upload_records import forget_metadata, keep_log
from shared.flows._upload_request import ANALYTICS, CLOSING, UPLOADING, UploadPorts, request_of
from shared.ports.jobs import DONE, FAILED, ItemState, Job, JobItem
from shared.ports.partner import PartnerError

_NAMED: Final = 10
"""Files that failed, as far as the error of a job names them."""


async def settle(job_id: str, ports: UploadPorts, *, after: int = 0) -> None:
    """Go on to the analysis, or end the run, if no file is left to be sent; else do nothing.

    Args:
        job_id: Of the run.
        ports: What it needs.
        after: The item that was just finished. While the next one is open this is none's last; whoever finishes that
            looks again.
    """
    if after and await _is_open(job_id, after, ports):
        return
    failed: list[int] = []
    count, bumped = 0, False
    async for item in ports.jobs.items(job_id):
        count += 1
        if item.state is ItemState.PENDING:
            return
        if item.state is ItemState.FAILED:
            failed.append(item.number)
            bumped = bumped or item.error == BUMPED
    job = await ports.jobs.get(job_id)
    if job.phase == UPLOADING and failed:
        facts = {"next": await begin_next_attempt(job, ports)} if bumped else {}
        error = await _told(job_id, failed, count, ports)
        await close(job, ports, end=FAILED, phase_name="upload", error=error, facts=facts)
    elif job.phase == UPLOADING and request_of(job).dry_run:
        await close(job, ports, end=DONE)
    elif job.phase == UPLOADING and not await ports.jobs.advance(job_id, expected=UPLOADING, phase=ANALYTICS):
        return
    elif job.phase in (UPLOADING, ANALYTICS):
        await ports.analytics.send(job_id)
    elif not after:
        # Whoever decided the end is at it; after a kill the message comes again, or the sweep, and both come by here.
        await close_decided(job, ports)


async def close(
    job: Job,
    ports: UploadPorts,
    *,
    end: str,
    phase_name: str = "",
    error: str = "",
    facts: Mapping[str, str] | None = None,
) -> None:
    """End a run: one caller decides how, the log is kept, sent if it failed, and the metadata are forgotten.

    Args:
        job: As it was read; its phase must be the same still.
        ports: What it needs.
        end: DONE or FAILED.
        phase_name: Which phase failed: metadata, upload or analytics.
        error: Why.
        facts: What became known.
    """
    told = {**(facts or {}), "end": end, **({"failed_phase": phase_name} if phase_name else {})}
    text = f"{phase_name}: {error}" if error else ""
    if await ports.jobs.advance(job.job_id, expected=job.phase, phase=CLOSING, error=text, facts=told):
        await close_decided(await ports.jobs.get(job.job_id), ports)


async def close_decided(job: Job, ports: UploadPorts) -> None:
    """Do what is left to do of a run whose end is decided; doing it again does no harm."""
    if job.phase != CLOSING:
        return
    end = job.facts["end"]
    items = [item async for item in ports.jobs.items(job.job_id)]
    log = upload_log(job, items, ports.log_level)
    await keep_log(ports, job.job_id, log)
    facts = {}
    if end == FAILED and ports.sends_log:
        facts["log_tries"] = await _send_log(log, job, ports)
    await forget_metadata(ports, job.job_id)
    await ports.jobs.advance(job.job_id, expected=CLOSING, phase=end, error=job.error, facts=facts)


def reason_of(error: PermanentError) -> str:
    """Return why something failed, as a status shows it."""
    return str(error) if isinstance(error, PartnerError) else f"{type(error).__name__}: {error}"


def failed_item(item: JobItem, error: PermanentError) -> JobItem:
    """Return *item* as one that failed."""
    facts = dict(item.facts)
    if isinstance(error, PartnerError):
        facts |= {"status": error.status, "tries": tries_text(error.tries, facts.get("tries", ""))}
    return replace(item, state=ItemState.FAILED, error=reason_of(error), facts=facts)


async def _send_log(log: bytes, job: Job, ports: UploadPorts) -> str:
    try:
        answer = await ports.partner.report_failure(log, max_retry=request_of(job).max_retry)
    except PartnerError as error:
        return tries_text(error.tries)
    return tries_text(answer.tries)


async def _is_open(job_id: str, number: int, ports: UploadPorts) -> bool:
    job = await ports.jobs.get(job_id)
    following = number % job.item_count + 1 if job.item_count else number
    return following != number and (await ports.jobs.item(job_id, following)).state is ItemState.PENDING


async def _told(job_id: str, failed: list[int], count: int, ports: UploadPorts) -> str:
    reasons = [
        f"file {number}: {(await ports.jobs.item(job_id, number)).error}" for number in failed[:_NAMED]
    ]
    more = f"; and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    return f"{len(failed)} of {count} files failed: {'; '.join(reasons)}{more}"
