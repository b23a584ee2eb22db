"""`python -m client start` before it starts anything: ports, folders, the command line."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.__main__ import main


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Listen on a port of loopback whose three lower neighbours are free, for tests that count down from it."""
    for _ in range(100):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port: int = server.getsockname()[1]
            if all(is_free(port - below) for below in (1, 2, 3)):
                yield port
                return
    pytest.fail("no four adjoining ports of loopback are free")


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port, nor holds it for a connection of its own."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def run(tmp_path: Path, *words: str) -> int:
    """Run the command on data of its own."""
    return main(["start", "--data-dir", str(tmp_path), *words])


def test_a_taken_port_of_the_app_is_named(
    tmp_path: Path, taken_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says which port and which variable changes it."""
    code = run(tmp_path, "--port", str(taken_port), "--azurite-port", "1")

    assert code == 1
    assert f"port {taken_port} is in use. Choose another by PORT" in capsys.readouterr().err


def test_each_of_azurite_s_ports_must_be_free(
    tmp_path: Path, taken_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tables listen two ports above blobs; that one counts too."""
    code = run(tmp_path, "--azurite-port", str(taken_port - 2), "--port", str(taken_port - 3))

    assert code == 1
    assert f"port {taken_port} is in use. Choose another by AZURITE_PORT" in capsys.readouterr().err


def test_app_and_azurite_cannot_share_a_port(
    tmp_path: Path, taken_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A port that is asked for twice is refused although it is free."""
    free = taken_port - 1

    code = run(tmp_path, "--port", str(free), "--azurite-port", str(free))

    assert code == 1
    assert f"port {free} is in use" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--port", "0"], ["--port", "x"], ["--azurite-port", "65534"], ["--unknown"]]
)
def test_words_without_sense_are_refused(tmp_path: Path, words: list[str]) -> None:
    """Exit code 2 is the command line's."""
    with pytest.raises(SystemExit, match="2"):
        run(tmp_path, *words)


def test_variables_give_ports_and_folder(
    tmp_path: Path, taken_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """PORT is read where no option is given."""
    monkeypatch.setenv("PORT", str(taken_port))
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))

    assert main(["start"]) == 1
    assert f"port {taken_port} is in use" in capsys.readouterr().err


def test_help_states_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever scripts the command finds what its codes mean."""
    with pytest.raises(SystemExit, match="0"):
        main(["start", "--help"])

    assert "exit codes: 0 " in capsys.readouterr().out
