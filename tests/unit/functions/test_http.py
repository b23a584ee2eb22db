"""What a client is told of an error."""

import inspect

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from functions._http import answers_errors, operation_id, status_of
from shared import errors
from tests.unit.functions.requests import Answer, make_request, receive_answer


async def answer_to(error: Exception) -> Answer:
    """Let a handler raise *error* and read the answer."""

    @answers_errors
    async def retrieve(_: Request) -> Response:
        raise error

    headers = {"x-ms-invocation-id": "0b1c-1", "authorization": "Bearer secret"}
    return await receive_answer(await retrieve(make_request("GET", "/x", headers=headers)))


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.InvalidUidError("m"), 400, "InvalidUid"),
        (errors.InvalidQueryError("m"), 400, "InvalidQuery"),
        (errors.FrameOutOfRangeError("m"), 404, "FrameOutOfRange"),
        (errors.QueryTooBroadError("m"), 413, "QueryTooBroad"),
        (errors.PayloadTooLargeError("m"), 413, "PayloadTooLarge"),
        (errors.NotAcceptableError("m"), 406, "NotAcceptable"),
        (errors.UnsupportedMediaTypeError("m"), 415, "UnsupportedMediaType"),
        (errors.ReadOnlyError("m"), 403, "ReadOnly"),
        (errors.StudyNotFoundError("m"), 404, "StudyNotFound"),
        (errors.CaseNotFoundError("m"), 404, "CaseNotFound"),
        (errors.ObjectExistsError("m"), 409, "ObjectExists"),
        (errors.DamagedDicomError("m"), 422, "DamagedDicom"),
        (errors.SettingsError("m"), 500, "Settings"),
        (errors.BackendUnavailableError("m"), 503, "BackendUnavailable"),
        (errors.ObjectChangedError("m"), 503, "ObjectChanged"),
    ],
)
async def test_an_error_of_the_product_has_a_status_and_a_code(
    error: errors.AppError, status: int, code: str
) -> None:
    """The document says the same as the status line, and how to find the operation."""
    answer = await answer_to(error)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.json["status"], answer.json["code"], answer.json["detail"]) == (status, code, "m")
    assert answer.json["operation_id"] == "0b1c-1"
    assert ("retry-after" in answer.headers) == (status == 503)


def test_only_what_the_server_is_to_blame_for_is_5xx() -> None:
    """No permanent error but a wrong or missing setting is the server's fault."""
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.PermanentError)
    ]
    found = {kind for kind in kinds if status_of(kind("m")) >= 500}
    assert found == {errors.NotConfiguredError, errors.SettingsError}


async def test_an_unforeseen_error_tells_neither_client_nor_log_its_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The message may be a patient's name; the place is in the log."""
    answer = await answer_to(ValueError("DOE^JANE"))
    assert answer.status == 500
    assert b"DOE" not in answer.body
    assert "DOE" not in caplog.text
    assert "Bearer" not in caplog.text
    assert "ValueError" in caplog.text
    assert "0b1c-1" in caplog.text


async def test_a_client_that_left_is_no_server_error(caplog: pytest.LogCaptureFixture) -> None:
    """An aborted upload is not logged as a failure."""
    assert (await answer_to(ClientDisconnect())).status == 400
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "x-ms-invocation-id": "i"}, "ab" * 16),
        ({"traceparent": "junk", "x-ms-invocation-id": "i"}, "i"),
    ],
)
def test_the_trace_names_the_operation(headers: dict[str, str], expected: str) -> None:
    """So that the id in an answer is the one to look for in traces."""
    assert operation_id(make_request("GET", "/", headers=headers)) == expected


def test_an_operation_without_trace_has_an_id_of_its_own() -> None:
    """A header that could forge a log line is not taken."""
    forged = operation_id(make_request("GET", "/", headers={"x-ms-invocation-id": "a b"}))
    assert forged != "a b"
    assert len(forged) == 32
