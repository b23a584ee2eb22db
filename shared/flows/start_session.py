"""Begin an upload session: files are put past the app, and published at once, or never."""

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.errors import InvalidRequestError, PayloadTooLargeError
from shared.flows._session_ports import EXPIRES_AT, KIND, OPEN, SessionPorts, upload_key
from shared.job_ports import Job
from shared.session_ports import UploadTarget
from shared.tracing import flow

MAX_NAMES: Final = 5000
"""Of one request; further targets are asked for by further ones."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*", re.ASCII)
_MAX_NAME: Final = 200


@flow
async def start_session(names: Sequence[str], ports: SessionPorts) -> tuple[Job, list[UploadTarget]]:
    """Return a new session and a target for each name.

    Raises:
        InvalidRequestError: A name cannot be one.
        PayloadTooLargeError: There are too many.
        NotConfiguredError: The store gives no targets.
    """
    check_names(names, ports)
    now = datetime.now(UTC)
    expires_at = now + timedelta(hours=ports.limits.hours)
    facts = {EXPIRES_AT: expires_at.isoformat()}
    job = Job(uuid.uuid4().hex, ports.store.partition, (), now, 0, KIND, OPEN, facts=facts)
    targets = await _targets(job, names, expires_at, ports)
    await ports.sessions.begin(job.job_id, now)
    await ports.jobs.create(job, [])
    return job, targets


async def add_targets(job: Job, names: Sequence[str], ports: SessionPorts) -> list[UploadTarget]:
    """Return targets for further files of an open session; errors as of start_session."""
    check_names(names, ports)
    return await _targets(job, names, expires_at(job), ports)


def expires_at(job: Job) -> datetime:
    """Return until when a session takes files."""
    return datetime.fromisoformat(job.facts[EXPIRES_AT])


def check_open(job: Job) -> None:
    """Refuse what only an open session takes."""
    if job.phase != OPEN:
        raise InvalidRequestError(f"the session is {job.phase}: begin another one")
    if expires_at(job) < datetime.now(UTC):
        raise InvalidRequestError("the session has expired: begin another one")


def check_names(names: Sequence[str], ports: SessionPorts) -> None:
    """Refuse names that cannot stand in a URL, or are too many."""
    if len(names) > min(MAX_NAMES, ports.limits.files):
        raise PayloadTooLargeError(f"a request names {min(MAX_NAMES, ports.limits.files)} files at most")
    if len(set(names)) < len(names):
        raise InvalidRequestError("two files have the same name")
    for name in names:
        if len(name) > _MAX_NAME or _NAME.fullmatch(name) is None:
            raise InvalidRequestError(
                f"name files by up to {_MAX_NAME} letters, digits, _ and -, with single . and / between them; no names of patients"
            )


async def _targets(
    job: Job, names: Sequence[str], until: datetime, ports: SessionPorts
) -> list[UploadTarget]:
    keys = [upload_key(job.job_id, name, ports) for name in names]
    made = await ports.targets.targets(keys, until)
    return [UploadTarget(name, one.url, one.headers) for name, one in zip(names, made, strict=True)]
