"""tests/conftest.py and tests/azurite.py: what keeps tests from reaching out."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from tests.azurite import AzuriteError, running_azurite


def test_unit_tests_cannot_connect() -> None:
    """Neither a plain socket nor the event loop reaches a server, not even on loopback."""
    with socket.socket() as here, pytest.raises(pytest.fail.Exception, match="connects to"):
        here.connect(("127.0.0.1", 9))
    with pytest.raises(pytest.fail.Exception, match="connects to"):
        asyncio.run(asyncio.open_connection("127.0.0.1", 9))


def test_no_cloud_account_is_in_reach() -> None:
    """No setting of Azure leaks in, and those of AWS are false."""
    assert not [name for name in os.environ if name.upper().startswith(("AZURE_", "AZUREWEBJOBS"))]
    assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"


def test_missing_azurite_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that need Azurite fail, and say what to install, rather than being left out."""
    monkeypatch.setenv("AZURITE_BIN", str(tmp_path / "azurite"))

    with pytest.raises(AzuriteError, match="AZURITE_BIN"), running_azurite(tmp_path):
        pass


def test_an_azurite_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it said goes into the error."""
    program = tmp_path / "azurite"
    program.write_text("#!/bin/sh\necho no room left\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("AZURITE_BIN", str(program))

    with pytest.raises(AzuriteError, match="no room left"), running_azurite(tmp_path):
        pass
