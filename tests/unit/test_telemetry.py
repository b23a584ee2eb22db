"""Log events carry allowed fields only."""

import logging
from typing import Any

import pytest

from shared.telemetry.events import event

_logger = logging.getLogger("test")


def test_event_is_a_constant_name_with_facts(caplog: pytest.LogCaptureFixture) -> None:
    """The facts stand in the line and, one by one, on the record."""
    with caplog.at_level(logging.INFO):
        event(_logger, "instance indexed", size_bytes=3)

    assert caplog.messages == ["instance indexed size_bytes=3"]
    assert caplog.records[0].__dict__["dicom_size_bytes"] == 3


@pytest.mark.parametrize("field", ["patient_name", "PatientID", "name", "body"])
def test_other_fields_are_refused(field: str) -> None:
    """A field that could hold a patient's data is a mistake of the program, not of its user."""
    facts: dict[str, Any] = {field: "x"}
    with pytest.raises(TypeError, match=field):
        event(_logger, "instance indexed", **facts)
