"""The targets of an upload session: which names they may have, and how long they are good. Begins no session."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from shared.errors import InvalidRequestError, PayloadTooLargeError
from shared.flows._session_ports import EXPIRES_AT, OPEN, SessionPorts, upload_key
from shared.ports.jobs import Job
from shared.ports.sessions import UploadTarget

MAX_NAMES: Final = 5000
"""Of one request; further targets are asked for by further ones."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*", re.ASCII)
_MAX_NAME: Final = 200


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


async def targets_for(
    job: Job, names: Sequence[str], until: datetime, ports: SessionPorts
) -> list[UploadTarget]:
    """Return a target for each of *names*, good *until* then."""
    keys = [upload_key(job.job_id, name, ports) for name in names]
    made = await ports.targets.targets(keys, until)
    return [UploadTarget(name, one.url, one.headers) for name, one in zip(names, made, strict=True)]
