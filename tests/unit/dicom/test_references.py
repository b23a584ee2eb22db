"""UIDs and references: what is let in."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.dicom.uids import validate_uid
from shared.errors import InvalidUidError


@pytest.mark.parametrize(
    "text", ["1", "1.2.840.10008.1.2", "2.25.123456789", "1.02.3", "0.0", "9" * 64, "1." + "2" * 62]
)
def test_validate_uid_returns_what_may_serve_as_a_uid(text: str) -> None:
    """A UID of 1 to 64 digits and dots comes back unchanged, leading zeros included."""
    assert text == validate_uid(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "1.",
        ".1",
        "1..2",
        "1.2 ",
        " 1.2",
        "1.2\n",
        "1.2\0",
        "11|",
        "a.b",
        "1/2",
        "1.2.*",
        "9" * 65,
        "\u0661.\u0662",
        "1,2",
    ],
)
def test_validate_uid_refuses_everything_else(text: str) -> None:
    """Padding, separators at the ends, other characters and digits of other scripts are no UID."""
    with pytest.raises(InvalidUidError):
        validate_uid(text)


@given(st.text(alphabet=st.characters() | st.sampled_from("0123456789."), max_size=70))
def test_validate_uid_lets_only_digits_and_dots_through(text: str) -> None:
    """Whatever passes is safe in a URL, a path and a filter."""
    try:
        validate_uid(text)
    except InvalidUidError:
        return
    assert re.fullmatch(r"[0-9.]{1,64}", text)
    assert ".." not in text


def test_validate_uid_names_what_is_wrong_and_not_its_value() -> None:
    """The message says which UID it was, but does not repeat what a client sent."""
    with pytest.raises(InvalidUidError, match="SeriesInstanceUID") as caught:
        SeriesRef("1.2", "not|a|uid")
    assert "not|a|uid" not in str(caught.value)


def test_instance_ref_knows_its_parents() -> None:
    """An instance names its series and study, a series its study."""
    instance = InstanceRef("1.2", "1.2.3", "1.2.3.4")
    assert SeriesRef("1.2", "1.2.3") == instance.series
    assert StudyRef("1.2") == instance.study == instance.series.study


@pytest.mark.parametrize("uids", [("x", "1", "1"), ("1", "x", "1"), ("1", "1", "x")])
def test_every_uid_of_a_reference_is_checked(uids: tuple[str, str, str]) -> None:
    """One bad UID among three is enough to refuse."""
    with pytest.raises(InvalidUidError):
        InstanceRef(*uids)


def test_references_order_by_study_then_series_then_instance() -> None:
    """Sorting references groups them by study and series."""
    refs = [InstanceRef("2", "1", "1"), InstanceRef("1", "2", "1"), InstanceRef("1", "1", "9")]
    assert [refs[2], refs[1], refs[0]] == sorted(refs)
