"""Queue triggers: a job of de-identification is to be worked on, or was tried too often."""

from typing import Final

import azure.functions as func
from starlette.datastructures import QueryParams

from functions import _wiring
from functions._deidentify_job import run_ports
from functions._deidentify_request import deidentify_request
from functions._events import acknowledges_permanent_errors
from shared.errors import InvalidRequestError, PermanentError
from shared.flows.give_up_deidentification import give_up_deidentification
from shared.flows.run_deidentification import run_deidentification
from shared.telemetry import metrics

bp = func.Blueprint()

SECONDS: Final = 240
"""A job goes on in another invocation after so long: those of a consumption plan end after five minutes."""


@bp.function_name("deidentify_job")
@bp.queue_trigger(arg_name="msg", queue_name="deidentify", connection="DicomStorage")
@acknowledges_permanent_errors
async def deidentify_job(msg: func.QueueMessage) -> None:
    """De-identify the instances of a job that are still to be done."""
    services = await _wiring.services()
    job = await services.jobs.get(_read(msg.get_body()))
    services = await services.in_partition(job.partition)
    try:
        params = QueryParams(list(job.parameters))
        request = deidentify_request(params, services.settings, key=await services.jobs.key(job.job_id))
        await run_deidentification(job, request, await run_ports(job, services), seconds=SECONDS)
    except PermanentError as error:
        reason = f"{type(error).__name__}: {error}"
        await give_up_deidentification(
            job.job_id, jobs=services.jobs, work=services.deidentifications, reason=reason
        )
        raise


@bp.function_name("deidentify_given_up")
@bp.queue_trigger(arg_name="msg", queue_name="deidentify-poison", connection="DicomStorage")
@acknowledges_permanent_errors
async def deidentify_given_up(msg: func.QueueMessage) -> None:
    """Fail the instance that a job could not get past in several attempts, and go on with the rest."""
    await give_up(msg.get_body(), msg.id or "")


async def give_up(message: bytes, message_id: str) -> None:
    """Do so; once for a message, however often it comes."""
    services = await _wiring.services()
    await give_up_deidentification(
        _read(message), jobs=services.jobs, work=services.deidentifications, attempt=message_id
    )
    metrics.job_given_up()


def _read(message: bytes) -> str:
    import orjson

    try:
        return str(orjson.loads(message)["job"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise InvalidRequestError("the message is not {job}") from None
