"""Queue triggers: the analysis of a sample is to be asked for, or that was tried too often."""

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from functions._upload_ports import read_message, upload_ports
from shared.flows.give_up_upload import give_up_upload
from shared.flows.run_analytics import run_analytics as ask
from shared.telemetry import metrics

bp = func.Blueprint()


@bp.function_name("run_analytics")
@bp.queue_trigger(arg_name="msg", queue_name="analytics", connection="DicomStorage")
@acknowledges_permanent_errors
async def run_analytics(msg: func.QueueMessage) -> None:
    """Ask for the analysis, once for each run; a message that comes again asks again, for it was cut short."""
    job_id, _ = read_message(msg.get_body())
    await ask(job_id, upload_ports(await _wiring.services()), message_id=msg.id or "")


@bp.function_name("analytics_given_up")
@bp.queue_trigger(arg_name="msg", queue_name="analytics-poison", connection="DicomStorage")
@acknowledges_permanent_errors
async def analytics_given_up(msg: func.QueueMessage) -> None:
    """Fail the run whose analysis was asked for too often."""
    await give_up(msg.get_body(), msg.id or "")


async def give_up(message: bytes, _message_id: str) -> None:
    """Do so; again is no harm."""
    job_id, _ = read_message(message)
    await give_up_upload(job_id, upload_ports(await _wiring.services()))
    metrics.job_given_up()
