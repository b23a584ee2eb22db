"""Timer trigger: sum up the studies whose message was lost or is late."""

import asyncio
from typing import Final

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from shared.flows.sweep_studies import sweep_studies as sweep

bp = func.Blueprint()

_SECONDS: Final = 50
"""So that one sweep is over before the next begins."""


@bp.function_name("sweep_studies")
@bp.timer_trigger(arg_name="timer", schedule="0 * * * * *", run_on_startup=False)
@acknowledges_permanent_errors
async def sweep_studies(timer: func.TimerRequest) -> None:
    """Refresh what is due in each data partition, the default one first."""
    services = await _wiring.services()
    loop = asyncio.get_running_loop()
    end = loop.time() + _SECONDS
    for name in [services.partition, *(partition.name for partition in await services.partitions.all())]:
        bound = await services.in_partition(name)
        await sweep(summaries=bound.summaries, seconds=end - loop.time())
