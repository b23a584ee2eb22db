"""Timer trigger: ask again for work on runs of uploads that show no sign of life."""

from datetime import UTC, datetime, timedelta

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from functions._upload_ports import upload_ports
from shared.flows.sweep_uploads import sweep_uploads as sweep

bp = func.Blueprint()


@bp.function_name("sweep_uploads")
@bp.timer_trigger(arg_name="timer", schedule="45 * * * * *", run_on_startup=False)
@acknowledges_permanent_errors
async def sweep_uploads(timer: func.TimerRequest) -> None:
    """Look at the newest runs; without a partner there are none to go on with."""
    services = await _wiring.services()
    if services.sending.partner is None:
        return
    lost_after = timedelta(seconds=services.settings.upload_lost_after_seconds)
    over = services.sending.over
    await sweep(upload_ports(services), now=datetime.now(UTC), lost_after=lost_after, over=over)
