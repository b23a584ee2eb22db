"""Timer trigger: finish or remove what is left of storing cases."""

from typing import Final

import azure.functions as func

from functions import _wiring
from functions._case_store import store_ports
from functions._events import acknowledges_permanent_errors
from shared.flows.sweep_cases import sweep_cases as sweep

bp = func.Blueprint()

_SECONDS: Final = 50
"""So that one sweep is over before the next begins."""


@bp.function_name("sweep_cases")
@bp.timer_trigger(arg_name="timer", schedule="30 * * * * *", run_on_startup=False)
@acknowledges_permanent_errors
async def sweep_cases(timer: func.TimerRequest) -> None:
    """Settle sessions of the default partition, the only one that cases are stored in."""
    await sweep(store_ports(await _wiring.services()), seconds=_SECONDS)
