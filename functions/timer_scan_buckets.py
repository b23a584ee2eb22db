"""Timer trigger: look for what has changed in watched buckets, for S3 has no container scan of the host's."""

from typing import Final

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from functions._index import look_at
from shared.flows.scan_bucket import ScanPorts
from shared.flows.scan_bucket import scan_bucket as scan

bp = func.Blueprint()

_SECONDS: Final = 50
"""Shared by the containers. A scan that takes longer than the timer's interval delays its next run, and no more."""


@bp.function_name("scan_buckets")
@bp.timer_trigger(arg_name="timer", schedule="*/5 * * * * *", run_on_startup=False)
@acknowledges_permanent_errors
async def scan_buckets(timer: func.TimerRequest) -> None:
    """Compare each watched container with the ledger, from where the last scan stopped."""
    services = await _wiring.services()
    ports = ScanPorts(services.objects, services.ledger, services.checkpoints, look_at)
    watched = services.settings.watched_containers
    for container in watched:
        await scan(container, ports, seconds=_SECONDS / len(watched))
