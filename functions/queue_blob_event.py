"""Queue trigger: Event Grid or S3 says that an object was created, deleted or renamed."""

import azure.functions as func

from functions._events import acknowledges_permanent_errors
from functions._messages import look_at_named

bp = func.Blueprint()


@bp.function_name("blob_event")
@bp.queue_trigger(arg_name="msg", queue_name="blob-events", connection="DicomStorage")
@acknowledges_permanent_errors
async def blob_event(msg: func.QueueMessage) -> None:
    """Index the blobs that the message names, as they are now."""
    await look_at_named(msg.get_body())
