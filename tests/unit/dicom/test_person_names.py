"""Person names: which spellings are one name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dicom.person_names import fold_name, name_groups, name_words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Smith^John", "SMITH^JOHN"),
        ("Smith^John^^^", "Smith^John"),
        ("Smith ^ John ", "Smith^John"),
        ("Müller", "Mu\u0308ller"),
        ("Müller", "muller"),
        ("Nuñez^José", "NUNEZ^JOSE"),
        ("ＳＭＩＴＨ", "smith"),  # noqa: RUF001 - wide letters are the case
        ("ﾔﾏﾀﾞ", "ヤマダ"),
        ("ΣΟΦΟΣ", "σοφος"),
        ("Straße", "STRASSE"),
    ],
)
def test_spellings_of_one_name_fold_alike(one: str, other: str) -> None:
    """Letter case, accents, width of letters, padding and empty components at the end make no difference."""
    assert fold_name(one) == fold_name(other)


@pytest.mark.parametrize(
    ("one", "other"), [("^Smith", "Smith"), ("が", "か"), ("Smith^^John", "Smith^John"), ("金", "김")]
)
def test_other_names_stay_apart(one: str, other: str) -> None:
    """The place of a component and the voicing of a kana do make a difference."""
    assert fold_name(one) != fold_name(other)


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing(text: str) -> None:
    """What is folded once can be kept as a key and compared with what is folded later."""
    once = fold_name(text)
    assert once == fold_name(once)


def test_words_are_those_of_all_components_and_groups() -> None:
    """Carets, equals signs, commas, hyphens and spaces part words."""
    assert name_words("Müller-Lüdenscheidt^Ann  Marie,=山田") == (
        "muller",
        "ludenscheidt",
        "ann",
        "marie",
        "山田",
    )


def test_groups_of_what_is_no_name_are_empty() -> None:
    """A value that is no DICOM JSON person name has no groups; a missing group is empty."""
    assert name_groups("Smith") == ("", "", "")
    assert name_groups({"Alphabetic": "Smith", "Ideographic": None, "Phonetic": "スミス"}) == (
        "smith",
        "",
        "スミス",
    )
