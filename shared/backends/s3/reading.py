"""Read a part of an object in one request. Knows nothing of the running loop."""

from __future__ import annotations

import hashlib
from typing import Any

from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from shared.backends.s3.answers import SHA256, info_of_answer, size_of
from shared.backends.s3.errors import status_of, translated, unnamed
from shared.errors import BackendUnavailableError, ObjectChangedError
from shared.records import ObjectInfo, ObjectKey, ObjectRange


def look_at(client: Any, key: ObjectKey, place: dict[str, str], *, if_match: str | None = None) -> ObjectInfo:
    """Describe an object, in one request.

    Raises:
        ObjectNotFoundError: There is none.
        ObjectChangedError: Its etag is not *if_match*.
    """
    with translated(key):
        answer = client.head_object(**place)
    info = info_of_answer(key, answer, int(answer["ContentLength"]))
    # Compared here: some services answer an unfulfilled condition as if there were no object.
    _check_etag(info, if_match)
    return info


def read_range(
    client: Any, key: ObjectKey, place: dict[str, str], start: int, end: int, *, if_match: str | None
) -> ObjectRange:
    """Read bytes [start, end) of an object; see ObjectStore. Where there are none, it takes two requests.

    Bytes that are all of an object which was put with a hash are held to it.

    Raises:
        BackendUnavailableError: They came damaged, or the service ignores ranges.
    """
    if start == end:
        return ObjectRange(look_at(client, key, place, if_match=if_match), b"")
    condition = {} if if_match is None else {"IfMatch": if_match}
    with translated(key):
        try:
            answer, data = _get(
                client, {**place, **condition, "Range": f"bytes={start}-{end - 1}"}, start, end
            )
        except ClientError as error:
            if status_of(error) != 416:
                raise
            return ObjectRange(look_at(client, key, place, if_match=if_match), b"")
    info = info_of_answer(key, answer, size_of(answer))
    _check_etag(info, if_match)
    promised = answer.get("Metadata", {}).get(SHA256)
    if promised and len(data) == info.size and hashlib.sha256(data).hexdigest() != promised:
        raise BackendUnavailableError(
            f"{unnamed(key)} is not what was put: its SHA-256 differs; compare it with a backup if it stays so"
        )
    return ObjectRange(info, data)


@retry(
    retry=retry_if_exception_type((IncompleteReadError, ReadTimeoutError, ResponseStreamingError)),
    wait=wait_random_exponential(0.2, 2),
    stop=stop_after_attempt(3),
    reraise=True,
)
def _get(client: Any, parameters: dict[str, Any], start: int, end: int) -> tuple[dict[str, Any], bytes]:
    """Return answer and bytes; boto3 itself tries again only until the bytes begin to come."""
    answer: dict[str, Any] = client.get_object(**parameters)
    with answer["Body"] as body:
        if "ContentRange" not in answer and (start > 0 or answer["ContentLength"] > end):
            raise BackendUnavailableError(
                "the S3 service ignores byte ranges, without which headers and frames cannot be read"
            )
        return answer, body.read()


def _check_etag(info: ObjectInfo, if_match: str | None) -> None:
    if if_match is not None and info.etag != if_match:
        raise ObjectChangedError(f"{unnamed(info.key)} is no longer what it was; read it again")
