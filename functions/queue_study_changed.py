"""Queue trigger: a study has changed and is to be summed up."""

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from shared.dicom.partition_names import validate_partition_name
from shared.dicom.references import StudyRef
from shared.errors import InvalidRequestError
from shared.flows.summarise_study import summarise_study as sum_up

bp = func.Blueprint()


@bp.function_name("summarise_study")
@bp.queue_trigger(arg_name="msg", queue_name="study-changed", connection="DicomStorage")
@acknowledges_permanent_errors
async def summarise_study(msg: func.QueueMessage) -> None:
    """Bring the search rows of the study up to date."""
    ref, partition = _read(msg.get_body())
    services = await (await _wiring.services()).in_partition(partition)
    await sum_up(ref, summaries=services.summaries)


def _read(message: bytes) -> tuple[StudyRef, str]:
    import orjson

    try:
        job = orjson.loads(message)
        return StudyRef(job["study_instance_uid"]), validate_partition_name(job["partition"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise InvalidRequestError("the message is not {study_instance_uid, partition}") from None
