"""Timer trigger: follow the changes of the upstream service."""

import asyncio
from typing import Final

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from functions._index import look_at
from shared.flows.poll_changes import PollPorts, poll_changes

_polling: Final = asyncio.Lock()


def make_blueprint(schedule: str) -> func.Blueprint:
    """Return the timer, to run by *schedule*."""
    bp = func.Blueprint()

    @bp.function_name("poll_changefeed")
    @bp.timer_trigger(arg_name="timer", schedule=schedule, run_on_startup=False)
    @acknowledges_permanent_errors
    async def poll_changefeed(timer: func.TimerRequest) -> None:
        """Index what has changed upstream since the last time; nothing if it has no feed."""
        services = await _wiring.services()
        upstream = services.upstream
        if upstream is None or upstream.feed is None or _polling.locked():
            return
        ports = PollPorts(upstream.feed, services.checkpoints, upstream.queue, look_at)
        async with _polling:
            await poll_changes(ports, seconds=services.settings.upstream_poll_seconds)

    return bp
