"""Ask that what a session holds be published: at once if it is little, else by a queue."""

from collections.abc import Sequence
from typing import Final

from shared.errors import InvalidRequestError
from shared.flows._session_files import keep_list, list_files
from shared.flows._session_ports import BYTES, COMMITTING, FILES, OPEN, SessionPorts
from shared.flows._session_targets import check_open
from shared.flows.run_session import run_session
from shared.ports.jobs import DONE, FAILED, Job
from shared.records import ObjectKey
from shared.telemetry.tracing import flow

_MAX_FILES_AT_ONCE: Final = 100
_MAX_BYTES_AT_ONCE: Final = 64 * 1024 * 1024
_SECONDS: Final = 60
_MAX_NAMED: Final = 20


@flow
async def commit_session(job_id: str, expected: Sequence[str], ports: SessionPorts) -> Job:
    """Return the session as it is then. To ask again is safe: what is under way or has ended is only told.

    Args:
        job_id: Of the session.
        expected: Names of files without which nothing is to be published.
        ports: Where to.

    Raises:
        JobNotFoundError: There is no such session.
        InvalidRequestError: It has expired, holds no file, lacks one, or holds a ZIP that is not taken; it stays open.
        PayloadTooLargeError: It holds too much; it stays open.
    """
    job = await ports.jobs.get(job_id)
    if job.phase in (DONE, FAILED):
        return job
    if job.phase != OPEN:
        await ports.work.send(job_id)
        return job
    check_open(job)
    found = await list_files(job_id, ports)
    missing = sorted(set(expected) - {name for name, _, _ in found.files} - {found.archive})
    if missing:
        named = ", ".join(missing[:_MAX_NAMED])
        raise InvalidRequestError(f"{len(missing)} files have not been uploaded: {named}")
    name, total = await keep_list(job_id, found, ports), found.bytes
    facts = {FILES: name, BYTES: str(total)}
    if not await ports.jobs.advance(
        job_id, expected=OPEN, phase=COMMITTING, item_count=len(found.files), facts=facts
    ):
        await ports.store.objects.delete(ObjectKey(ports.container, name))
        return await ports.jobs.get(job_id)
    if len(found.files) <= _MAX_FILES_AT_ONCE and total <= _MAX_BYTES_AT_ONCE:
        return await run_session(job_id, ports, seconds=_SECONDS)
    await ports.work.send(job_id)
    return await ports.jobs.get(job_id)
