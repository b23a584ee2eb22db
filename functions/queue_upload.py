"""Queue triggers: a run of uploads, or one file of it, is to be worked on, or was tried too often."""

import asyncio
from typing import Final

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from functions._upload_ports import read_message, upload_ports
from shared.flows.give_up_upload import give_up_upload
from shared.flows.run_upload import UploadPorts, run_upload
from shared.flows.upload_file import upload_file as send_file
from shared.telemetry import metrics

bp = func.Blueprint()

WAIT_SECONDS: Final = 60
"""How long a file waits for others; then it queues again, for a function's own time is counted from its start."""


@bp.function_name("upload_file")
@bp.queue_trigger(arg_name="msg", queue_name="uploads", connection="DicomStorage")
@acknowledges_permanent_errors
async def upload_file(msg: func.QueueMessage) -> None:
    """Send one file, or begin the run; a message is about one file, so that a slow one holds up none."""
    job_id, item = read_message(msg.get_body())
    ports = await _ports_of(job_id)
    if not item:
        await run_upload(job_id, ports, message_id=msg.id or "")
        return
    slots = (await _wiring.services()).sending.slots
    if not await _took(slots):
        await ports.uploads.send(job_id, item)
        return
    try:
        await send_file(job_id, item, ports)
    finally:
        slots.release()


@bp.function_name("upload_given_up")
@bp.queue_trigger(arg_name="msg", queue_name="uploads-poison", connection="DicomStorage")
@acknowledges_permanent_errors
async def upload_given_up(msg: func.QueueMessage) -> None:
    """Fail the file, or the run, that was tried too often."""
    await give_up(msg.get_body(), msg.id or "")


async def give_up(message: bytes, _message_id: str) -> None:
    """Do so; again is no harm."""
    job_id, item = read_message(message)
    await give_up_upload(job_id, await _ports_of(job_id), item=item)
    metrics.job_given_up()


async def _took(slots: asyncio.Semaphore) -> bool:
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await slots.acquire()
    except TimeoutError:
        return False
    return True


async def _ports_of(job_id: str) -> UploadPorts:
    services = await _wiring.services()
    job = await services.jobs.get(job_id)
    return upload_ports(await services.in_partition(job.partition))
