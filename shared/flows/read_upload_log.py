"""Read the log of a run of uploads, as far as it is. It changes nothing."""

from shared.flows._upload_log import upload_log
from shared.flows._upload_request import KIND
from shared.ports.jobs import Jobs
from shared.telemetry.tracing import flow

__all__ = ["KIND", "read_upload_log"]


@flow
async def read_upload_log(job_id: str, jobs: Jobs, *, level: str) -> bytes:
    """Return the log as text, lines from *level* up.

    Raises:
        JobNotFoundError: There is no such run.
    """
    items = [item async for item in jobs.items(job_id)]
    return upload_log(await jobs.get(job_id), items, level)
