"""End a session without publishing anything of it."""

from shared.errors import ObjectExistsError
from shared.flows._session_end import clear_session
from shared.flows._session_ports import SessionPorts
from shared.ports.jobs import DONE, FAILED, Job
from shared.telemetry.tracing import flow


@flow
async def abandon_session(job_id: str, ports: SessionPorts, *, why: str = "abandoned") -> Job:
    """Remove what was uploaded, and return the session as it is then; safe to repeat.

    Raises:
        JobNotFoundError: There is no such session.
        ObjectExistsError: It is published already.
    """
    job = await ports.jobs.get(job_id)
    if job.phase == FAILED:
        return job
    if job.phase == DONE or not await ports.sessions.withdraw(job_id):
        raise ObjectExistsError("the session is published; delete its instances by DICOMweb")
    await clear_session(job, why, ports)
    return await ports.jobs.get(job_id)
