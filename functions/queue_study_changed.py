"""Queue trigger: a study has changed and is to be summed up."""

import logging
from typing import Final

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from functions._messages import sum_up_named
from functions._search_update import bring_search_up
from shared.errors import AppError
from shared.telemetry.events import event

bp = func.Blueprint()
_log = logging.getLogger(__name__)

_SEARCH_SECONDS: Final = 10


@bp.function_name("summarise_study")
@bp.queue_trigger(arg_name="msg", queue_name="study-changed", connection="DicomStorage")
@acknowledges_permanent_errors
async def summarise_study(msg: func.QueueMessage) -> None:
    """Bring the search rows of the study up to date."""
    await sum_up_named(msg.get_body())
    try:
        await bring_search_up(await _wiring.services(), seconds=_SEARCH_SECONDS)
    except AppError as error:
        # The study is summed up. The timer goes on with the search until it works.
        event(_log, "search not updated", level=logging.WARNING, error=type(error).__name__)
