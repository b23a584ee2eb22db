"""Timer trigger: keep what was given up, with the reason, where it can be found and replayed."""

from typing import Final

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from functions._last_tries import LAST_TRIES
from shared.flows.drain_poison import drain_poison as drain

_SECONDS: Final = 200
"""So that one run is over before the next begins."""


def make_blueprint(schedule: str) -> func.Blueprint:
    """Return the function with its *schedule*, an NCRONTAB expression."""
    bp = func.Blueprint()

    @bp.function_name("drain_poison")
    @bp.timer_trigger(arg_name="timer", schedule=schedule, run_on_startup=False)
    @acknowledges_permanent_errors
    async def drain_poison(timer: func.TimerRequest) -> None:
        """Empty the poison queues of blob events and of changed studies."""
        services = await _wiring.services()
        await drain(
            LAST_TRIES,
            poison=services.poison,
            objects=services.objects,
            rejected_container=services.settings.rejected_container,
            seconds=_SECONDS,
        )

    return bp
