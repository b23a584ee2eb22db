"""What names say of cases."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.flows._case_name import MAX_LENGTH, CasePatterns, read_case_name
from shared.records import CaseView


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("images/2014/S0000001/L__CC/00000001.dcm", CaseView("2014", "S0000001", "L__CC")),
        ("x/2014/S0000001/R__MLO", CaseView("2014", "S0000001", "R__MLO")),
        ("S1234/2014/L__CC/a", CaseView("1234", "S1234", "L__CC")),
        ("ABUS2/2014/S0000001/L__CC.dcm", CaseView("2014", "S2", "L__CC")),
        ("S0000001/ST1/SE1234/2014/R__MLO/x", CaseView("1234", "S0000001", "R__MLO")),
        ("a/2014/S1/L__CC/R__MLO", CaseView("2014", "S1", "L__CC")),
        ("a/\u0662\u0660\u0661\u0664/S1/L__CC/x.dcm", CaseView("\u0662\u0660\u0661\u0664", "S1", "L__CC")),
    ],
)
def test_the_first_match_of_each_pattern_counts(name: str, expected: CaseView) -> None:
    """C000-1: names that the forerunner indexed give what it gave."""
    assert expected == read_case_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "2014/S0000001/L__CC/x.dcm",
        "a/20140512/S0000001/L__CC/x.dcm",
        "a/2014/0000001/L__CC/x.dcm",
        "a/2014/s1/L__CC/x.dcm",
        "a/2014/S1/LCC/x.dcm",
        "a/2014/S1/l__cc/x.dcm",
        "",
    ],
)
def test_a_name_without_year_case_or_view_says_nothing(name: str) -> None:
    """A year at the very beginning, or within longer digits, is none."""
    assert read_case_name(name) is None


PIECES = [
    "/",
    "2014",
    "S",
    "S1",
    "S0000010",
    "L__CC",
    "R__MLO",
    "L_",
    "_CC",
    "12345",
    "0",
    "\u0664",
    "\n",
    "x",
]
NAMES = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map("".join)


def as_the_forerunner(name: str) -> CaseView | None:
    """Return what its three expressions give, written as they stand there."""
    year = re.search(r"\D(\d{4})\D", name)
    case_id = re.search(r"(S\d+)", name)
    view = re.search(r"(L|R)__(CC|MLO)", name)
    if year and case_id and view:
        return CaseView(year.group(1), case_id.group(1), view.group(0))
    return None


@given(NAMES)
def test_any_name_gives_what_the_forerunners_expressions_give(name: str) -> None:
    """C000-1: read literally, quirks included."""
    assert read_case_name(name) == as_the_forerunner(name)


@pytest.mark.parametrize(
    ("view", "spelt"),
    [("LCC", "L__CC"), ("R-mlo", "R__MLO"), ("L_CC", "L__CC"), ("left", "left"), ("R", "R")],
)
def test_other_patterns_read_other_layouts(view: str, spelt: str) -> None:
    """C000-1: the pattern is a setting; views are written as one would compare them."""
    patterns = CasePatterns(year=r"^(\d{4})-", case_id=r"-(?:P|Q)(\w+)-", view=r"-(LCC|R-mlo|L_CC|left|R)\.")
    assert read_case_name(f"2014-P7-{view}.dcm", patterns) == CaseView("2014", "7", spelt)
    assert read_case_name("a/2014/S1/L__CC", patterns) is None


def test_what_is_too_long_or_empty_is_no_case() -> None:
    """A name is up to 1,024 characters, an id is not."""
    assert read_case_name("a/2014/S" + "1" * (MAX_LENGTH - 1) + "/L__CC") is not None
    assert read_case_name("a/2014/S" + "1" * MAX_LENGTH + "/L__CC") is None
    assert read_case_name("a/2014/S1/L__CC", CasePatterns(case_id="(T*)")) is None
    assert read_case_name("a/2014/S1/L__CC", CasePatterns(case_id="S1(T)?")) is None
