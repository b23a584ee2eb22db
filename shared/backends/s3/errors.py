"""Errors of boto3 in the product's words. Nothing of the SDK's own leaves this package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import (
    AppError,
    BackendUnavailableError,
    ConcurrentChangeError,
    ObjectChangedError,
    ObjectExistsError,
    ObjectNotFoundError,
)
from shared.records import ObjectKey

_IMPOSSIBLE_NAMES = frozenset({"InvalidBucketName", "KeyTooLongError", "InvalidURI"})
_OVERTAKEN = frozenset({"NoSuchUpload", "ConditionalRequestConflict", "OperationAborted"})


@contextmanager
def translated(what: ObjectKey | str, *, if_absent: bool = False) -> Iterator[None]:
    """Raise errors of shared.errors in place of boto3's.

    Args:
        what: The object or container that is asked for, for the message.
        if_absent: An unfulfilled condition means that the object exists, not that it changed.
    """
    try:
        yield
    except ClientError as error:
        # Not chained: the SDK's message quotes the response.
        raise _of_answer(error, what, if_absent=if_absent) from None
    except BotoCoreError as error:
        raise BackendUnavailableError(
            f"the S3 service did not answer for {unnamed(what)} ({type(error).__name__}); if it goes on, check the "
            "endpoint, its certificate and the credentials"
        ) from None


def unnamed(what: ObjectKey | str) -> str:
    """Return *what* without its name: the host logs what is to be tried again, and people make names of patients'."""
    return f"an object in {what.container}" if isinstance(what, ObjectKey) else what


def status_of(error: ClientError) -> int:
    """Return the HTTP status of an answer that is an error."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _of_answer(error: ClientError, what: ObjectKey | str, *, if_absent: bool) -> AppError:
    status = status_of(error)
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _OVERTAKEN:
        return ConcurrentChangeError(
            f"another request overtook the writing of {unnamed(what)} ({code}); try again"
        )
    if status == 404 or code in _IMPOSSIBLE_NAMES:
        return ObjectNotFoundError(f"there is no {what}")
    if status == 412 and if_absent:
        return ObjectExistsError(f"{what} is there already; choose another name or allow overwriting")
    if status == 412:
        return ObjectChangedError(f"{unnamed(what)} is no longer what it was; read it again")
    request = error.response.get("ResponseMetadata", {}).get("RequestId") or "unknown"
    return BackendUnavailableError(
        f"the S3 service refused {unnamed(what)} with {status} {code} (request {request}); if it goes on, check "
        "credentials, bucket policy, region and clock"
    )
