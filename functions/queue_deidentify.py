"""Queue trigger: a job of de-identification is to be worked on."""

from typing import Final

import azure.functions as func
from starlette.datastructures import QueryParams

from functions import _wiring
from functions._deidentify_job import run_ports
from functions._deidentify_request import deidentify_request
from functions._events import acknowledges_permanent_errors
from shared.errors import InvalidRequestError
from shared.flows.run_deidentification import run_deidentification

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
    request = deidentify_request(QueryParams(list(job.parameters)), services.settings)
    await run_deidentification(job, request, await run_ports(job, services), seconds=SECONDS)


def _read(message: bytes) -> str:
    import orjson

    try:
        return str(orjson.loads(message)["job"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise InvalidRequestError("the message is not {job}") from None
