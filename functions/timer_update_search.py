"""Timer trigger: bring the search index up to what has changed, and make up for times when it did not answer."""

from typing import Final

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from functions._search_update import bring_search_up

bp = func.Blueprint()

_SECONDS: Final = 50
"""A build of the whole index takes many such updates, each from where the last one stopped."""


@bp.function_name("update_search")
@bp.timer_trigger(arg_name="timer", schedule="*/10 * * * * *", run_on_startup=False)
@acknowledges_permanent_errors
async def update_search(timer: func.TimerRequest) -> None:
    """Follow the change feed of all data partitions."""
    await bring_search_up(await _wiring.services(), seconds=_SECONDS)
