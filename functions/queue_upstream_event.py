"""Queue trigger: instances were stored at the upstream service, or could not be looked at there."""

import azure.functions as func

from functions._events import acknowledges_permanent_errors
from functions._messages import look_upstream

bp = func.Blueprint()


@bp.function_name("upstream_event")
@bp.queue_trigger(arg_name="msg", queue_name="upstream-events", connection="DicomStorage")
@acknowledges_permanent_errors
async def upstream_event(msg: func.QueueMessage) -> None:
    """Index the instances that the message names, as the upstream service holds them now."""
    await look_upstream(msg.get_body())
