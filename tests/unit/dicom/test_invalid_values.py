"""Dates and times that are none do not leave the file."""

from typing import Any

import pytest

from shared.dicom.invalid_values import MAX_WARNINGS, remove_invalid_values


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("DA", "20240229"),
        ("DA", "1993.08.22"),
        ("TM", "10"),
        ("TM", "101500.123456"),
        ("TM", "10:15:00"),
        ("TM", "235960"),
        ("DT", "20240229101500.5+0100"),
        ("DA", None),
        ("LO", "NotAValidDate"),
    ],
)
def test_what_the_standard_has_or_had_stays(vr: str, value: str | None) -> None:
    """And what of other VRs looks like no date."""
    attributes = {"00080020": {"vr": vr, "Value": [value]}}
    assert remove_invalid_values(attributes) == ()
    assert attributes == {"00080020": {"vr": vr, "Value": [value]}}


@pytest.mark.parametrize(
    ("vr", "value"),
    [("DA", "NotAValidDate"), ("DA", "20241301"), ("DA", "2024-01-01"), ("TM", "2560"), ("DT", "yesterday")],
)
def test_what_is_no_date_or_time_goes_with_a_text(vr: str, value: str) -> None:
    """One bad value of several is enough; the text has the tag and not the value."""
    attributes = {"00080020": {"vr": vr, "Value": ["10", value]}, "00080030": {"vr": "TM"}}
    [text] = remove_invalid_values(attributes)
    assert attributes == {"00080030": {"vr": "TM"}}
    assert text.startswith("(0008,0020)")
    assert value not in text


def test_texts_are_few_however_many_values_are_bad() -> None:
    """All of them go nevertheless."""
    attributes: dict[str, Any] = {
        f"{tag:08X}": {"vr": "DA", "Value": ["x"]} for tag in range(0x00110000, 0x00110000 + 100)
    }
    assert len(remove_invalid_values(attributes)) == MAX_WARNINGS
    assert attributes == {}
