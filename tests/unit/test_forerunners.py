"""What docs/forerunners.md calls a proof is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "forerunners.md").read_text()
NAMED = sorted(set(re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", PAGE)))


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda one: one or "whole")
def test_every_test_that_is_named_exists(path: str, name: str) -> None:
    """By its file, and by how its name begins where it has one."""
    assert f"def {name}" in (ROOT / path).read_text()
