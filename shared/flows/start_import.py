"""Begin an import; a queue carries it out. It imports nothing itself."""

import uuid
from datetime import UTC, datetime

from shared.errors import InvalidRequestError, ObjectExistsError
from shared.flows._import_order import KIND, QUEUED, ImportOrder
from shared.ports.archive import ObjectStore
from shared.ports.cases import Checkpoints
from shared.ports.jobs import Job, Jobs, WorkQueue
from shared.telemetry.tracing import flow

__all__ = ["ImportOrder", "start_import"]


@flow
async def start_import(
    order: ImportOrder,
    *,
    partition: str,
    jobs: Jobs,
    work: WorkQueue,
    objects: ObjectStore,
    checkpoints: Checkpoints,
) -> Job:
    """Return a new job for *order*.

    Raises:
        InvalidRequestError: The order contradicts itself.
        ObjectExistsError: Files were to be written where some are already.
        ObjectNotFoundError: There is no container of that name.
    """
    if order.incremental and not order.wanted.is_empty:
        raise InvalidRequestError("what is new cannot be filtered: leave the filters or incremental out")
    if order.incremental and (order.is_flat or not order.source):
        raise InvalidRequestError("an incremental import is of a source in the settings, into the archive")
    if order.since is not None and not order.incremental:
        raise InvalidRequestError("since is for incremental imports")
    if order.is_flat:
        async for _ in objects.scan(order.container, prefix=order.prefix):
            raise ObjectExistsError(
                "there are objects under that container and prefix: name an empty place, or resume the import that wrote them"
            )
    facts = {}
    if order.incremental:
        seen = await checkpoints.get(order.cursor_name)
        facts["after"] = order.since or ("" if seen is None or order.since is not None else seen.value)
    job = Job(
        uuid.uuid4().hex,
        partition,
        order.parameters(),
        datetime.now(UTC),
        0,
        kind=KIND,
        phase=QUEUED,
        facts=facts,
    )
    await jobs.create(job, [])
    await work.send(job.job_id)
    return job
