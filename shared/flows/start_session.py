"""Begin an upload session: files are put past the app, and published at once, or never."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from shared.flows._session_ports import EXPIRES_AT, KIND, OPEN, SessionPorts
from shared.flows._session_targets import check_names, targets_for
from shared.ports.jobs import Job
from shared.ports.sessions import UploadTarget
from shared.telemetry.tracing import flow


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
    targets = await targets_for(job, names, expires_at, ports)
    await ports.sessions.begin(job.job_id, now)
    await ports.jobs.create(job, [])
    return job, targets
