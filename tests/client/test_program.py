"""The command line as a program of its own, `dicom-functions`."""

import importlib
import tomllib
from pathlib import Path

import pytest

from client import __main__ as program

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())


def test_the_program_that_is_installed_lists_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """What pyproject.toml names as `dicom-functions` is there, and knows every command."""
    module, _, function = PROJECT["project"]["scripts"]["dicom-functions"].partition(":")
    with pytest.raises(SystemExit) as raised:
        getattr(importlib.import_module(module), function)(["--help"])
    assert raised.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith("usage: dicom-functions")
    for command in ("start", "case", "search", "conformance"):
        assert command in said


def test_every_package_of_the_client_is_installed() -> None:
    """A folder that is left out of the list would be missing in the installed program only."""
    root = Path(program.__file__).parent
    packages = {".".join(path.parent.relative_to(root.parent).parts) for path in root.rglob("__init__.py")}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == packages


def test_where_the_client_alone_is_installed_other_commands_remain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Libraries of the app that are missing take the commands away that need them, and no others."""
    real = importlib.import_module

    def without_aiohttp(name: str) -> object:
        if name in ("client.start", "client.conformance.command"):
            raise ModuleNotFoundError("no aiohttp", name="aiohttp")
        return real(name)

    monkeypatch.setattr(importlib, "import_module", without_aiohttp)
    with pytest.raises(SystemExit):
        program.main(["--help"])
    said = capsys.readouterr().out
    assert "  case " in said
    assert "  start " not in said
