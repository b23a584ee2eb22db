"""How the command line logs in to an archive."""

import pytest

from client.archive_server import open_session

VARIABLES = ("DICOM_FUNCTIONS_KEY", "DICOM_FUNCTIONS_TOKEN")


@pytest.mark.parametrize(
    ("variables", "key", "sent"),
    [
        ({}, "", (None, None)),
        ({"DICOM_FUNCTIONS_KEY": "k"}, "", ("k", None)),
        ({"DICOM_FUNCTIONS_KEY": "k"}, "given", ("given", None)),
        ({"DICOM_FUNCTIONS_TOKEN": "t"}, "", (None, "Bearer t")),
    ],
)
def test_a_session_logs_in_as_the_variables_say(
    variables: dict[str, str], key: str, sent: tuple[str | None, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a function key, of which one that is given goes first, or by a bearer token."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    headers = open_session(key).headers
    assert (headers.get("x-functions-key"), headers.get("Authorization")) == sent
