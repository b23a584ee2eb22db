"""Read the report of one item of a job. It makes none."""

from shared.flows._deidentification_report import report_key
from shared.ports.archive import ObjectStore
from shared.telemetry.tracing import flow


@flow
async def read_job_report(job_id: str, number: int, *, objects: ObjectStore, container: str) -> bytes:
    """Return the report as JSON.

    Raises:
        ObjectNotFoundError: There is none: the item is not done, or there is no such item.
    """
    return b"".join([chunk async for chunk in objects.stream(report_key(container, job_id, number))])
