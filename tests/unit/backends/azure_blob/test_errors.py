"""shared/backends/azure_blob/errors.py."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    IncompleteReadError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
)

from shared.backends.azure_blob.errors import translated
from shared.errors import (
    AppError,
    BackendUnavailableError,
    ConcurrentChangeError,
    ObjectChangedError,
    ObjectExistsError,
    ObjectNotFoundError,
)


@dataclass
class _Answer:
    """As much of a response as an error reads."""

    status_code: int
    code: str
    reason: str = "said the service"
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {"x-ms-error-code": self.code, "x-ms-request-id": "1-2-3"}


def _refusal(kind: type[HttpResponseError], status_code: int, code: str) -> HttpResponseError:
    error = kind(message="<Error>the body</Error>")
    error.status_code = status_code
    error.response = _Answer(status_code, code)  # type: ignore[assignment]  # all that is read of one
    return error


@pytest.mark.parametrize(
    ("raised", "if_absent", "expected"),
    [
        (_refusal(ResourceNotFoundError, 404, "BlobNotFound"), False, ObjectNotFoundError),
        (_refusal(ResourceNotFoundError, 404, "ContainerNotFound"), True, ObjectNotFoundError),
        (_refusal(HttpResponseError, 404, ""), False, ObjectNotFoundError),
        (_refusal(HttpResponseError, 400, "OutOfRangeInput"), False, ObjectNotFoundError),
        (_refusal(ResourceModifiedError, 412, "ConditionNotMet"), False, ObjectChangedError),
        (_refusal(ResourceModifiedError, 412, "ConditionNotMet"), True, ObjectExistsError),
        (_refusal(ResourceExistsError, 409, "BlobAlreadyExists"), True, ObjectExistsError),
        (_refusal(HttpResponseError, 400, "InvalidBlockList"), False, ConcurrentChangeError),
        (_refusal(HttpResponseError, 412, "LeaseIdMissing"), False, BackendUnavailableError),
        (_refusal(HttpResponseError, 409, "BlobArchived"), False, BackendUnavailableError),
        (_refusal(HttpResponseError, 403, "AuthorizationFailure"), False, BackendUnavailableError),
        (_refusal(HttpResponseError, 429, "TooManyRequests"), True, BackendUnavailableError),
        (_refusal(HttpResponseError, 503, "ServerBusy"), False, BackendUnavailableError),
        (HttpResponseError("no response"), False, BackendUnavailableError),
        (ServiceRequestError("cannot connect"), False, BackendUnavailableError),
        (ServiceRequestTimeoutError("too slow"), False, BackendUnavailableError),
        (ServiceResponseError("went away"), True, BackendUnavailableError),
        (IncompleteReadError("went away"), False, BackendUnavailableError),
        (AzureError("anything else"), False, BackendUnavailableError),
    ],
)
def test_each_family_has_its_error(*, raised: AzureError, if_absent: bool, expected: type[AppError]) -> None:
    """What the SDK raises becomes the one error that says whether trying again can help."""
    with pytest.raises(expected) as caught, translated("images/a", if_absent=if_absent):
        raise raised

    assert expected is type(caught.value)
    assert "images/a" in str(caught.value)


def test_bodies_of_answers_are_not_quoted() -> None:
    """Neither the message nor a chained error shows what the service wrote; the request's id helps to find it."""
    with pytest.raises(BackendUnavailableError) as caught, translated("images/a"):
        raise _refusal(HttpResponseError, 500, "InternalError")

    assert "1-2-3" in str(caught.value)
    assert "the body" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_other_errors_pass() -> None:
    """An error of whoever hands the bytes over is not the store's to explain."""
    with pytest.raises(KeyError), translated("images/a"):
        raise KeyError
