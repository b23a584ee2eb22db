"""Timer trigger: measure the queues. It is there where telemetry is sent somewhere."""

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from shared.flows.measure_queues import measure_queues as measure

bp = func.Blueprint()


@bp.function_name("measure_queues")
@bp.timer_trigger(arg_name="timer", schedule="45 * * * * *", run_on_startup=False)
@acknowledges_permanent_errors
async def measure_queues(timer: func.TimerRequest) -> None:
    """Say how much waits in each queue, and how long the first message has."""
    await measure((await _wiring.services()).queue_gauges)
