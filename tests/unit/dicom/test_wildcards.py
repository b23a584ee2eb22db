"""Wild cards: every answer is that of the definition, read off letter by letter."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dicom.wildcards import wildcard_match


def _defined(pattern: str, text: str) -> bool:
    """Say what PS3.4 C.2.2.2.4 says, trying every way to fit."""

    @cache
    def fits(at: int, position: int) -> bool:
        if at == len(pattern):
            return position == len(text)
        if pattern[at] == "*":
            return any(fits(at + 1, later) for later in range(position, len(text) + 1))
        return position < len(text) and pattern[at] in ("?", text[position]) and fits(at + 1, position + 1)

    return fits(0, 0)


@given(pattern=st.text("ab*?", max_size=12), text=st.text("ab", max_size=14))
def test_a_pattern_fits_exactly_where_the_definition_does(pattern: str, text: str) -> None:
    """No order of wild cards and letters gives another answer than trying every way to fit."""
    assert _defined(pattern, text) is wildcard_match(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("?", "", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("a*a", "a", False),
        ("*?b?*", "aabb", True),
        ("?", "\n", True),
        ("*b", "a\nb", True),
        ("?", "\U0001f600", True),
    ],
)
def test_only_star_and_question_mark_are_special(pattern: str, text: str, expected: bool) -> None:  # noqa: FBT001 - a row of the table
    """Dots, brackets and line ends are letters like others."""
    assert expected is wildcard_match(pattern, text)


def test_a_pattern_made_to_be_slow_is_answered() -> None:
    """What takes naive matchers time exponential or quadratic in the text is answered without trying anything twice."""
    assert not wildcard_match("*a" * 500 + "*b", "a" * 100_000)
    assert not wildcard_match("*" + "a?" * 500 + "b*", "a" * 100_000)
