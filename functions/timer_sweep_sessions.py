"""Timer trigger: finish what upload sessions have left, and remove those that have expired."""

from typing import Final

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from functions._session_ports import ports_of, session_ports
from shared.flows._session_ports import SessionPorts
from shared.flows.sweep_sessions import sweep_sessions as sweep
from shared.ports.jobs import Job

bp = func.Blueprint()

_SECONDS: Final = 50
"""So that one sweep is over before the next begins."""


@bp.function_name("sweep_sessions")
@bp.timer_trigger(arg_name="timer", schedule="45 * * * * *", run_on_startup=False)
@acknowledges_permanent_errors
async def sweep_sessions(timer: func.TimerRequest) -> None:
    """Look at the sessions of every data partition."""
    services = await _wiring.services()

    async def bind(job: Job) -> SessionPorts:
        return await ports_of(job, services)

    await sweep(session_ports(services), bind, seconds=_SECONDS)
