"""A local archive has a secret for pseudonyms, always the same one, that nobody else can read."""

import stat
from pathlib import Path

import pytest

from client.app import App
from client.azurite import Azurite
from client.local_parts import Options, app_program
from client.pseudonym_secret import VARIABLE


def secret_of(folder: Path) -> str:
    """Return the secret that the app of an archive finds."""
    folder.mkdir(exist_ok=True)
    return app_program(Options(App(7171, folder), Azurite(10000), samples=False)).environment[VARIABLE]


def test_each_archive_keeps_its_own_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restart pseudonyms are what they were; a start that was killed while it wrote leaves no half of one."""
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "deidentify-secret.new").write_text("half")

    first = secret_of(tmp_path / "one")

    assert len(first) == 64
    assert secret_of(tmp_path / "one") == first
    assert secret_of(tmp_path / "other") != first
    [file] = (tmp_path / "one").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_environment_s_secret_goes_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has one of a project uses it."""
    monkeypatch.setenv(VARIABLE, "a secret of the environment")

    assert secret_of(tmp_path) == "a secret of the environment"
