"""Patterns of settings whose time has a bound are taken, and no others."""

import multiprocessing
import re

import pytest

from shared.errors import SettingsError
from shared.flows._case_name import SEED_PATTERNS
from shared.settings.bounded_patterns import check_bounded
from shared.settings.settings import load_settings


@pytest.mark.parametrize(
    "pattern",
    [
        SEED_PATTERNS.year,
        SEED_PATTERNS.case_id,
        SEED_PATTERNS.view,
        r"^.*/(\d{4})/.*$",
        r"(?<!\d)(\d{4})(?!\d)",
        r"case[-_]?([A-Z]{1,3}\d{3,8})",
        r"(?P<side>L|R)_(?:CC|MLO)",
        r"[\]+*]{2}x",
        r"\(\+\*\)",
        r"(?:ab){4}",
        r"a?a?.*b.*c",
        r"",
    ],
)
def test_a_pattern_with_a_bound_is_taken(pattern: str) -> None:
    """The defaults, and what people write."""
    check_bounded(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$",
        r"(a*)*b",
        r"(?:a|a)*b",
        r"(a|aa)+$",
        r"((a?){2,9}){2,9}b",
        r"(.*)(.*)(.*)x",
        r"a?a?a?.*b.*c",
        r"a{0,9}a{0,9}b",
        r"a?a?a?a?a?a?a?a?a?aaaaaaaaa",
        r"(a)\1+",
        r"(?P<x>a+)(?P=x)",
        r"(?x) ( a + ) +",
        r"(?i:a+)+",
        r"(?:(?:x{1,99}){1,99}){1,99}",
        r"(?#c)(a+)+",
        r"(?:a+|b)*?c",
        r"([a-z]+)*+",
        "x" * 501,
        "(",
    ],
)
def test_a_pattern_without_one_is_refused(pattern: str) -> None:
    """Also in the forms that hide it."""
    with pytest.raises(ValueError, match=r"no bound|at most|no regular expression"):
        check_bounded(pattern)


def test_a_setting_that_is_a_bomb_keeps_the_app_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which one, before any name is matched."""
    monkeypatch.setenv("DICOM_CASE_ID_PATTERN", "(S+)+$")
    with pytest.raises(SettingsError, match="case_id_pattern"):
        load_settings()


def _search(pattern: str, name: str) -> None:
    re.search(pattern, name)


@pytest.mark.parametrize("pattern", [r"a*a*b", r".*a.*b", r"a?a?a*a*b"])
@pytest.mark.slow
def test_the_worst_that_is_taken_ends(pattern: str) -> None:
    """On the longest name of a blob; the deadline is a hundred times what it takes."""
    check_bounded(pattern)
    process = multiprocessing.get_context("spawn").Process(target=_search, args=(pattern, "a" * 1024))
    process.start()
    process.join(120)
    ended = process.exitcode == 0
    process.kill()
    process.join()
    assert ended
