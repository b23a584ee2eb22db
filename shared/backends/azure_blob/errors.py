"""Azure's errors in the product's words. Nothing of the SDK's own leaves this package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from azure.core.exceptions import AzureError, HttpResponseError

from shared.backends.azure_http.answer import NoAnswerError
from shared.errors import (
    AppError,
    BackendUnavailableError,
    ConcurrentChangeError,
    ObjectChangedError,
    ObjectExistsError,
    ObjectNotFoundError,
)
from shared.records import ObjectKey

_IMPOSSIBLE_NAMES = frozenset({"InvalidUri", "InvalidResourceName", "OutOfRangeInput"})
_EXISTS = frozenset({"BlobAlreadyExists", "UnauthorizedBlobOverwrite"})
_OTHERS_COMMITTED = frozenset({"InvalidBlockList", "InvalidBlobOrBlock"})


@contextmanager
def translated(what: ObjectKey | str, *, if_absent: bool = False) -> Iterator[None]:
    """Raise errors of shared.errors in place of Azure's.

    Args:
        what: The object or container that is asked for, for the message.
        if_absent: An unfulfilled condition means that the object exists, not that it changed.
    """
    try:
        yield
    except HttpResponseError as error:
        headers: Mapping[str, str] = getattr(error.response, "headers", {})
        # Not chained: the SDK's message quotes the response body.
        raise refusal(error.status_code, headers, what, if_absent=if_absent) from None
    except (AzureError, NoAnswerError) as error:
        raise BackendUnavailableError(
            f"the blob service did not answer for {_unnamed(what)} ({type(error).__name__}); try again later"
        ) from None


def _unnamed(what: ObjectKey | str) -> str:
    """Return *what* without its name: the host logs what is to be tried again, and people make names of patients'."""
    return f"an object in {what.container}" if isinstance(what, ObjectKey) else what


def refusal(
    status: int | None, headers: Mapping[str, str], what: ObjectKey | str, *, if_absent: bool = False
) -> AppError:
    """Return the error that an answer of the blob service is, by its status and headers; else as translated."""
    code = headers.get("x-ms-error-code", "")
    if status == 404 or code in _IMPOSSIBLE_NAMES:
        return ObjectNotFoundError(f"there is no {what}")
    if if_absent and (code in _EXISTS or status == 412):
        return ObjectExistsError(f"{what} is there already; choose another name or allow overwriting")
    if code == "ConditionNotMet":
        return ObjectChangedError(f"{_unnamed(what)} is no longer what it was; read it again")
    if code in _OTHERS_COMMITTED:
        return ConcurrentChangeError(
            f"another writer replaced {_unnamed(what)} while its blocks were on their way; try again"
        )
    request = headers.get("x-ms-request-id", "unknown")
    return BackendUnavailableError(
        f"the blob service refused {_unnamed(what)} with {status} {code} (request {request}); if it goes on, check the app's "
        "role assignments and the account's network rules"
    )
