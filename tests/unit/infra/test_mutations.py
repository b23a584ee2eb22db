"""Each check of infra/ can fail: every mistake of a list is noticed."""

import shutil
from pathlib import Path

import pytest

from tests.unit.infra import check_storage
from tests.unit.infra.checks import CHECKS, first_problems
from tests.unit.infra.infrastructure import ROOT, Declared, Infrastructure
from tests.unit.infra.mutations import DECLARED, MUTATIONS, Mutation

_FILES = ("host.json", "azure.yaml", ".funcignore", ".python-version", "local.settings.sample.json")


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_mistakes_are_noticed(mutation: Mutation, declared_text: str, tmp_path: Path) -> None:
    """A small edit of a template, of a file beside them, or of what the code declares, is told of in words that help."""
    shutil.copytree(ROOT / "infra", tmp_path / "infra")
    for name in _FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / DECLARED).write_text(declared_text)
    file = tmp_path / mutation.file
    before = file.read_text()
    file.write_text(before.replace(mutation.old, mutation.new))

    assert mutation.old in before, "the edit has nothing to change any more; write it anew"
    problems = first_problems(Infrastructure(tmp_path, Declared.read((tmp_path / DECLARED).read_text())))
    assert any(mutation.told in problem for problem in problems), problems


@pytest.mark.parametrize("kind", ["QUEUES", "CONTAINERS", "TABLES"])
def test_what_only_developers_have_is_noticed(
    kind: str, infrastructure: Infrastructure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azurite would have it, every test would pass, and Azure would lack it; or the other way round."""
    local = getattr(check_storage, kind)

    monkeypatch.setattr(check_storage, kind, (*local[1:], "notes"))
    told = list(check_storage.developers_have_the_same(infrastructure))
    assert any("'notes' is made by client/azurite.py only" in one for one in told)
    assert any(f"'{local[0]}' is made in Azure only" in one for one in told)


def test_list_of_mistakes_is_long_and_has_no_doubles() -> None:
    """Thirty are promised; two of a name would hide one another."""
    names = [mutation.name for mutation in MUTATIONS]

    assert len(set(names)) == len(names)
    assert len(names) >= 30
    assert len(CHECKS) >= 20
