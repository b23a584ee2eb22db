"""Queue trigger: Event Grid or S3 says that an object was created, deleted or renamed."""

import azure.functions as func

from functions import _wiring
from functions._blob_events import read_blob_events
from functions._events import acknowledges_permanent_errors
from functions._index import look_at

bp = func.Blueprint()


@bp.function_name("blob_event")
@bp.queue_trigger(arg_name="msg", queue_name="blob-events", connection="DicomStorage")
@acknowledges_permanent_errors
async def blob_event(msg: func.QueueMessage) -> None:
    """Index the blobs that the message names, as they are now; those of other containers are not ours."""
    settings = _wiring.settings()
    for key in read_blob_events(msg.get_body(), bucket_prefix=settings.s3_bucket_prefix):
        if key.container in settings.watched_containers:
            await look_at(key)
