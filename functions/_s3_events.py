"""Read which objects an event notification of S3 is about. It does not look at them."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from shared.errors import InvalidRequestError
from shared.records import ObjectKey

_KINDS = ("ObjectCreated:", "ObjectRemoved:", "LifecycleExpiration:")
_TEST = "s3:TestEvent"


def is_s3_event(event: Mapping[str, Any]) -> bool:
    """Tell whether *event* is of S3: a list of records, or the message that a new configuration is tried with."""
    return "Records" in event or event.get("Event") == _TEST


def read_s3_event(event: Mapping[str, Any], bucket_prefix: str) -> list[ObjectKey]:
    """Return the objects to look at, in containers whose buckets begin with *bucket_prefix*.

    Names come URL-encoded, a blank as `+`; Ceph sends them as they are. A name that can be read both ways is returned
    both ways, since a look at an object that is not there does no harm.

    Raises:
        InvalidRequestError: It is not made as S3's notifications are; it will never be.

    Source: "Event message structure", Amazon S3 User Guide.
    """
    if event.get("Event") == _TEST:
        return []
    records = event.get("Records")
    if not isinstance(records, list):
        raise InvalidRequestError("the message's Records are no list")
    return [key for record in records for key in _keys_of(record, bucket_prefix)]


def _keys_of(record: object, bucket_prefix: str) -> Iterator[ObjectKey]:
    try:
        kind, s3 = record["eventName"], record["s3"]  # type: ignore[index]  # what is no mapping raises
        bucket, name = s3["bucket"]["name"], s3["object"]["key"]
    except (KeyError, TypeError, IndexError):
        raise InvalidRequestError("a record has no eventName, s3.bucket.name and s3.object.key") from None
    if not all(isinstance(text, str) and text for text in (kind, bucket, name)):
        raise InvalidRequestError("a record's eventName, s3.bucket.name or s3.object.key is no text")
    if kind.removeprefix("s3:").startswith(_KINDS) and bucket.startswith(bucket_prefix):
        for one in dict.fromkeys((unquote_plus(name), name)):
            yield ObjectKey(bucket.removeprefix(bucket_prefix), one)
