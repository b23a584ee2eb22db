"""Queue trigger: instances were stored at the upstream service, or could not be looked at there."""

import azure.functions as func

from functions._events import acknowledges_permanent_errors
from functions._index import look_at
from functions._upstream_events import read_upstream_event
from shared.upstream_keys import upstream_key

bp = func.Blueprint()


@bp.function_name("upstream_event")
@bp.queue_trigger(arg_name="msg", queue_name="upstream-events", connection="DicomStorage")
@acknowledges_permanent_errors
async def upstream_event(msg: func.QueueMessage) -> None:
    """Index the instances that the message names, as the upstream service holds them now."""
    for ref in read_upstream_event(msg.get_body()):
        await look_at(upstream_key(ref))
