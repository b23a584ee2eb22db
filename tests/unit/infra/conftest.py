"""The infrastructure of this repository, with what its app declares: the app is indexed once a session."""

from pathlib import Path

import pytest

from tests.unit.infra.infrastructure import ROOT, Declared, Infrastructure, app_settings, declared_by_app


@pytest.fixture(scope="session")
def declared_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what the app declares when it runs with the settings that infra/ gives it, as JSON."""
    templates = Infrastructure(ROOT, Declared({}, frozenset(), frozenset(), frozenset()))
    settings = app_settings(templates.everything)
    return declared_by_app(settings, tmp_path_factory.mktemp("declared") / "declared.json")


@pytest.fixture(scope="session")
def infrastructure(declared_text: str) -> Infrastructure:
    """Return the infrastructure as it is in this repository."""
    return Infrastructure(Path(ROOT), Declared.read(declared_text))
