"""Queue triggers: studies of an import are to be looked for, one is to be imported, or was tried too often."""

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from functions._import_request import import_ports
from shared.errors import InvalidRequestError, PermanentError
from shared.flows.discover_import import discover_import
from shared.flows.give_up_import import give_up_import
from shared.flows.import_study import ImportPorts, import_study
from shared.ports.jobs import DONE, FAILED
from shared.telemetry import metrics

bp = func.Blueprint()


@bp.function_name("import_study")
@bp.queue_trigger(arg_name="msg", queue_name="imports", connection="DicomStorage")
@acknowledges_permanent_errors
async def work_on_import(msg: func.QueueMessage) -> None:
    """Look for the studies of an import, or import one."""
    job_id, number = _read(msg.get_body())
    ports, seconds = await _ports(job_id)
    if number:
        await import_study(job_id, number, ports, seconds=seconds)
    else:
        await discover_import(job_id, ports, seconds=seconds)


@bp.function_name("import_given_up")
@bp.queue_trigger(arg_name="msg", queue_name="imports-poison", connection="DicomStorage")
@acknowledges_permanent_errors
async def import_given_up(msg: func.QueueMessage) -> None:
    """Fail what could not be done in several attempts; the rest goes on."""
    await give_up(msg.get_body(), msg.id or "")


async def give_up(message: bytes, _message_id: str) -> None:
    """Do so; again is no harm."""
    job_id, number = _read(message)
    ports, _ = await _ports(job_id)
    await give_up_import(job_id, number, ports)
    metrics.job_given_up()


async def _ports(job_id: str) -> tuple[ImportPorts, float]:
    services = await _wiring.services()
    job = await services.jobs.get(job_id)
    services = await services.in_partition(job.partition)
    try:
        return import_ports(job, services), services.settings.import_seconds
    except PermanentError as error:
        # Its source is not in the settings any more: nobody would work on it, and it can be resumed when it is there.
        if job.phase != DONE:
            await services.jobs.advance(job_id, expected=job.phase, phase=FAILED, error=str(error))
        raise


def _read(message: bytes) -> tuple[str, int]:
    import orjson

    try:
        said = orjson.loads(message)
        return str(said["job"]), int(said.get("item", 0))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        raise InvalidRequestError("the message is not {job} or {job, item}") from None
