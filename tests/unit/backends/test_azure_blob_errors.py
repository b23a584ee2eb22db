"""What the blob adapter says of failures."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError

from shared.backends.azure_blob.errors import translated
from shared.errors import ObjectChangedError, ObjectNotFoundError, TransientError
from shared.records import ObjectKey

KEY = ObjectKey("images", "DOE^JOHN/1.dcm")


class Response:
    """What the SDK keeps of an answer."""

    reason = "why"

    def __init__(self, status: int, code: str) -> None:
        self.status_code = status
        self.headers = {"x-ms-error-code": code}

    def text(self) -> str:
        """Return the body."""
        return ""


def an_error(status: int, code: str) -> HttpResponseError:
    """Return the SDK's error for an answer."""
    response: Any = Response(status, code)
    return HttpResponseError(response=response)


@pytest.mark.parametrize(
    "error",
    [
        an_error(412, "ConditionNotMet"),
        an_error(400, "InvalidBlockList"),
        an_error(503, "ServerBusy"),
        ServiceRequestError("cannot reach http://account/images/DOE^JOHN/1.dcm"),
    ],
)
def test_what_is_tried_again_names_no_object(error: Exception) -> None:
    """The host logs the message of a transient error, and object names are made of patients' names."""
    with pytest.raises(TransientError) as raised, translated(KEY):
        raise error
    assert "DOE" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert "images" in str(raised.value)


def test_each_answer_has_its_error() -> None:
    """What is missing is named to who asked for it; what changed may be tried again."""
    with pytest.raises(ObjectNotFoundError, match="DOE"), translated(KEY):
        raise an_error(404, "BlobNotFound")
    with pytest.raises(ObjectChangedError), translated(KEY):
        raise an_error(412, "ConditionNotMet")
