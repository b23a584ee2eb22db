"""What a trigger does with an error."""

import logging
from collections.abc import Awaitable

import pytest

from functions._events import HandlerError, acknowledges_permanent_errors
from shared.errors import BackendUnavailableError, InvalidRequestError, ObjectNotFoundError


def handler_that_raises(error: Exception) -> Awaitable[None]:
    """Make a handler that fails."""

    @acknowledges_permanent_errors
    async def look_at_blob() -> None:
        raise error

    return look_at_blob()


async def test_a_malformed_message_is_acknowledged_and_its_reason_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The message is done with; why is in the log."""
    await handler_that_raises(InvalidRequestError("no event"))
    assert "look_at_blob" in caplog.text
    assert "no event" in caplog.text


async def test_a_permanent_error_is_acknowledged_and_names_no_object(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Object names are made by people, of patients' names too."""
    await handler_that_raises(ObjectNotFoundError("there is no object images/DOE^JANE.dcm"))
    assert "ObjectNotFoundError" in caplog.text
    assert "DOE" not in caplog.text


async def test_a_transient_error_is_raised_as_it_is() -> None:
    """The host delivers the message again."""
    with pytest.raises(BackendUnavailableError, match="slow down"):
        await handler_that_raises(BackendUnavailableError("slow down"))


async def test_an_unknown_error_is_raised_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    """What a library put into its message never reaches a log: it may be a patient's name."""
    with caplog.at_level(logging.DEBUG), pytest.raises(HandlerError) as caught:
        await handler_that_raises(ValueError("DOE^JANE is no date"))
    assert "ValueError" in str(caught.value)
    assert "look_at_blob" in caplog.text
    assert "DOE" not in caplog.text + str(caught.value)
    assert caught.value.__suppress_context__
