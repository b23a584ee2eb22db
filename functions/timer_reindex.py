"""Timer trigger: reconcile what is stored with what is known of it."""

from datetime import timedelta

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from functions._reindex import reindex_ports
from shared.errors import ConcurrentChangeError
from shared.flows.reindex import reindex as run


def make_blueprint(schedule: str) -> func.Blueprint:
    """Return the function with its *schedule*, an NCRONTAB expression."""
    bp = func.Blueprint()

    @bp.function_name("reindex")
    @bp.timer_trigger(arg_name="timer", schedule=schedule, run_on_startup=False)
    @acknowledges_permanent_errors
    async def reindex(timer: func.TimerRequest) -> None:
        """Go on with a pass, or begin one if the last began long enough ago."""
        settings = _wiring.settings()
        pause = timedelta(hours=settings.reindex_every_hours)
        try:
            await run(await reindex_ports(), seconds=settings.reindex_seconds, unless_begun_within=pause)
        except ConcurrentChangeError:
            return  # somebody else goes on with it

    return bp
