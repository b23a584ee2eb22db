"""Give an open upload session targets for further files."""

from collections.abc import Sequence

from shared.flows._session_ports import SessionPorts
from shared.flows._session_targets import check_names, check_open, expires_at, targets_for
from shared.ports.jobs import Job
from shared.ports.sessions import UploadTarget
from shared.telemetry.tracing import flow


@flow
async def extend_session(job: Job, names: Sequence[str], ports: SessionPorts) -> list[UploadTarget]:
    """Return targets for further files.

    Raises:
        InvalidRequestError: The session is not open any more, or a name cannot be one.
        PayloadTooLargeError: There are too many.
        NotConfiguredError: The store gives no targets.
    """
    check_open(job)
    check_names(names, ports)
    return await targets_for(job, names, expires_at(job), ports)
