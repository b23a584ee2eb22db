"""What docs/forerunners.md calls a proof is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "forerunners.md").read_text()
NAMED = sorted(set(re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", PAGE)))


LETTERS = dict(re.findall(r"`([A-Z])`(?: is)?\s`(tests/[\w/]+\.py)`", PAGE))
BY_LETTER = sorted(set(re.findall(r"`([A-Z])::(\w+)`", PAGE)))


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda one: one or "whole")
def test_every_test_that_is_named_exists(path: str, name: str) -> None:
    """By its file, and by how its name begins where it has one."""
    assert f"def {name}" in (ROOT / path).read_text()


@pytest.mark.parametrize(("letter", "name"), BY_LETTER)
def test_every_test_that_is_named_by_a_letter_exists(letter: str, name: str) -> None:
    """The letter stands for a file, or for a contract with the tests that run it."""
    path = ROOT / LETTERS[letter]
    of_contract = path.with_name(f"test_{path.name}")
    texts = [one.read_text() for one in (path, of_contract) if one.exists()]
    assert any(f"def {name}(" in text for text in texts)
