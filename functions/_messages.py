"""What the messages of queues ask for. Their triggers decide what an error means."""

from functions import _wiring
from functions._blob_events import read_blob_events
from functions._index import look_at
from functions._upstream_events import read_upstream_event
from shared.dicom.partition_names import validate_partition_name
from shared.dicom.references import StudyRef
from shared.errors import InvalidRequestError
from shared.flows.summarise_study import summarise_study as sum_up
from shared.upstream_keys import upstream_key


async def look_at_named(message: bytes) -> None:
    """Index the blobs that a message names, as they are now; those of other containers are not ours."""
    settings = _wiring.settings()
    for key in read_blob_events(message, bucket_prefix=settings.s3_bucket_prefix):
        if key.container in settings.watched_containers:
            await look_at(key)


async def sum_up_named(message: bytes) -> None:
    """Bring the search rows of the study up to date that a message names."""
    ref, partition = _study_of(message)
    services = await (await _wiring.services()).in_partition(partition)
    await sum_up(ref, summaries=services.summaries)


async def look_upstream(message: bytes) -> None:
    """Index the instances that a message names, as the upstream service holds them now."""
    for ref in read_upstream_event(message):
        await look_at(upstream_key(ref))


def _study_of(message: bytes) -> tuple[StudyRef, str]:
    import orjson

    try:
        job = orjson.loads(message)
        return StudyRef(job["study_instance_uid"]), validate_partition_name(job["partition"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise InvalidRequestError("the message is not {study_instance_uid, partition}") from None
