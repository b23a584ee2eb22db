"""Read which objects a message of Event Grid or of S3 is about. It neither looks at the objects nor decides what becomes of them."""

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from functions._s3_events import is_s3_event, read_s3_event
from shared.errors import InvalidRequestError
from shared.records import ObjectKey

_TYPES = frozenset(
    {
        "Microsoft.Storage.BlobCreated",
        "Microsoft.Storage.BlobDeleted",
        "Microsoft.Storage.BlobRenamed",
    }
)
_SUBJECT = re.compile(r"/blobServices/default/containers/([^/]+)/blobs/(.+)", re.DOTALL)


def read_blob_events(message: bytes | str, *, bucket_prefix: str = "") -> list[ObjectKey]:
    """Return the objects to look at: one for a creation or deletion, both names for a renaming, none otherwise.

    The event's kind beyond that does not matter: the flow reads what is there now.

    Args:
        message: JSON in Event Grid's own schema or CloudEvents 1.0, an object or an array of one; or S3's.
        bucket_prefix: What the buckets of containers begin with.

    Raises:
        InvalidRequestError: It is neither; it will never be.
    """
    event = _only_event(message)
    if is_s3_event(event):
        return read_s3_event(event, bucket_prefix)
    kind = event.get("eventType", event.get("type"))
    if not isinstance(kind, str):
        raise InvalidRequestError("the message has no eventType (Event Grid) and no type (CloudEvents)")
    if kind not in _TYPES:
        return []
    data = event.get("data")
    source_url = data.get("sourceUrl") if isinstance(data, dict) else None
    keys = [_key_of_subject(event.get("subject"))]
    if kind == "Microsoft.Storage.BlobRenamed" and isinstance(source_url, str):
        keys.append(_key_of_url(source_url))
    return keys


def _only_event(message: bytes | str) -> dict[str, Any]:
    import orjson

    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(
            f"the message is not JSON (line {error.lineno}, column {error.colno})"
        ) from None
    if isinstance(event, list) and len(event) == 1:
        event = event[0]
    if not isinstance(event, dict):
        raise InvalidRequestError("the message is not one event: expected a JSON object, or an array of one")
    return event


def _key_of_subject(subject: object) -> ObjectKey:
    match = _SUBJECT.fullmatch(subject) if isinstance(subject, str) else None
    if match is None:
        raise InvalidRequestError(
            "the event's subject names no blob: expected /blobServices/default/containers/…/blobs/…"
        )
    return ObjectKey(match[1], match[2])


def _key_of_url(url: str) -> ObjectKey:
    container, _, name = unquote(urlsplit(url).path).lstrip("/").partition("/")
    if not container or not name:
        raise InvalidRequestError(
            "the event's sourceUrl names no blob: expected https://account/container/name"
        )
    return ObjectKey(container, name)
