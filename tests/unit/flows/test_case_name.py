"""What names say of cases."""

import pytest

from shared.flows._case_name import CaseName, read_case_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("images/2014/S0000001/L__CC/00000001.dcm", CaseName("2014", "S0000001", "L__CC")),
        ("x/2014/S0000001/R__MLO", CaseName("2014", "S0000001", "R__MLO")),
        ("S1234/2014/L__CC/a", CaseName("1234", "S1234", "L__CC")),
        ("ABUS2/2014/S0000001/L__CC.dcm", CaseName("2014", "S2", "L__CC")),
        ("S0000001/ST1/SE1234/2014/R__MLO/x", CaseName("1234", "S0000001", "R__MLO")),
        ("a/2014/S1/L__CC/R__MLO", CaseName("2014", "S1", "L__CC")),
    ],
)
def test_the_first_match_of_each_pattern_counts(name: str, expected: CaseName) -> None:
    """Names that the forerunner indexed give what it gave."""
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
        "a/\u0662\u0660\u0661\u0664/S1/L__CC/x.dcm",
        "",
    ],
)
def test_a_name_without_year_case_or_view_says_nothing(name: str) -> None:
    """A year at the very beginning, or within longer digits, is none."""
    assert read_case_name(name) is None
