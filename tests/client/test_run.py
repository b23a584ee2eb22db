"""The command `run` before it reaches an archive: words, variables, files, the log."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from client.__main__ import main
from client.dicom_files import NoFilesError, dicom_files
from client.errors import ClientError
from client.private_archive import VARIABLES, data_folder, partner_variables
from client.run_log import RunLog, safe_name
from tests.instances import an_instance


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with none of the variables set."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> int:
    """Run the command."""
    return main(["run", "--sample_id", "ref01", *words])


@pytest.mark.parametrize("missing", VARIABLES)
def test_a_missing_variable_is_named_and_stops_it(
    elsewhere: Path, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """At start, before a log is begun; all of them are looked for in .env too."""
    lines = [f"{name}=x" for name in VARIABLES if name != missing]
    (elsewhere / ".env").write_text("\n".join(lines))
    assert run() == 3
    assert f"error: {missing} must be set" in capsys.readouterr().err
    assert list(elsewhere.glob("*.log")) == []


def test_the_environment_goes_before_the_file(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable counts as none."""
    (elsewhere / ".env").write_text("\n".join(f"{name}=file" for name in VARIABLES))
    monkeypatch.setenv("MD_KEY", "shell")
    found = partner_variables(elsewhere)
    assert (found["MD_KEY"], found["U_KEY"]) == ("shell", "file")


@pytest.mark.parametrize(
    "words",
    [
        ("--attempt_number", "0"),
        ("--attempt_number", "1000"),
        ("--max_retry", "-1"),
        ("--backoff_attempts", "21"),
        ("--sample_id", "a\\b"),
        ("--sample_id", ""),
        ("--sample_id", "x" * 61),
    ],
)
def test_what_no_partner_could_take_is_refused_before_a_file_is_touched(
    elsewhere: Path, words: tuple[str, ...]
) -> None:
    """By the exit code of a command line that makes no sense; no log is begun."""
    with pytest.raises(SystemExit) as ended:
        run("--url", "http://127.0.0.1:1", *words)
    assert ended.value.code == 2
    assert list(elsewhere.glob("*.log")) == []


def test_an_empty_folder_is_an_error_of_its_own(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So is none at all; the log says so."""
    (elsewhere / "data").mkdir()
    assert run("--url", "http://127.0.0.1:1") == 4
    assert run("--url", "http://127.0.0.1:1", "--directory", "nowhere") == 4
    assert "no DICOM file" in capsys.readouterr().err
    assert "[ERROR] | no DICOM file" in (elsewhere / "moichor-ref01-1.log").read_text()


def test_an_archive_that_does_not_answer_is_an_error_of_its_own(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is told by its place, for its name may be a patient's."""
    (elsewhere / "data").mkdir()
    (elsewhere / "data" / "Doe_Jane.dcm").write_bytes(an_instance(1))

    def refused(*_: object, **__: object) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr("requests.Session.request", refused)
    assert run("--url", "http://127.0.0.1:1") == 5
    printed = capsys.readouterr()
    assert "does not take file 1 of the folder" in printed.err
    assert "Doe" not in printed.err + printed.out


def test_files_are_found_by_their_names_at_any_depth(tmp_path: Path) -> None:
    """With .dcm in any case, in the order of their paths; others by option, if they begin as DICOM files do."""
    for name in ("b/x.DCM", "a/deep/y.dcm", "z.DcM", "b/IM1", "b/readme.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(an_instance(1) if "readme" not in name else b"text")
    (tmp_path / "folder.dcm").mkdir()

    def names(*, any_name: bool) -> list[str]:
        return [str(path.relative_to(tmp_path)) for path in dicom_files(tmp_path, any_name=any_name)]

    assert names(any_name=False) == ["a/deep/y.dcm", "b/x.DCM", "z.DcM"]
    assert names(any_name=True) == ["a/deep/y.dcm", "b/IM1", "b/x.DCM", "z.DcM"]
    with pytest.raises(NoFilesError):
        dicom_files(tmp_path / "folder.dcm", any_name=True)


def test_a_log_has_a_safe_name_and_overwrites_none(tmp_path: Path) -> None:
    """Whatever the sample is called."""
    assert safe_name("../a b\\c\0") == "_a_b_c_"
    assert len(safe_name("x" * 500)) == 80
    logs = [RunLog(tmp_path, "../../ref 01", 1, console=False) for _ in range(3)]
    for number, log in enumerate(logs):
        log.say(f"line {number}")
        log.close()
    names = [log.path.name for log in logs]
    assert names == ["moichor-_ref_01-1.log", "moichor-_ref_01-1.2.log", "moichor-_ref_01-1.3.log"]
    assert [log.path.parent for log in logs] == [tmp_path] * 3
    assert logs[0].path.read_text().endswith("[INFO] | line 0\n")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ([], False),
        (["--console_logs", "False"], False),
        (["--console_logs", "false"], False),
        (["--console_logs", "True"], True),
        (["--console_logs"], True),
    ],
)
def test_false_means_false(
    elsewhere: Path, words: list[str], shown: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log is on the console only where it was asked for."""
    run("--url", "http://127.0.0.1:1", *words)
    assert ("[ERROR]" in capsys.readouterr().out) is shown


@pytest.mark.parametrize("words", [["--console_logs", "maybe"], ["--max_retry", "x"], ["--unknown"]])
def test_words_without_sense_are_refused(elsewhere: Path, words: list[str]) -> None:
    """Exit code 2 is the command line's."""
    with pytest.raises(SystemExit, match="2"):
        run(*words)


def test_the_folder_of_an_archive_is_this_users_alone(elsewhere: Path) -> None:
    """The same for a rerun, another for another sample."""
    one = data_folder("ref01", "http://x")
    assert one == data_folder("ref01", "http://x") != data_folder("ref02", "http://x")
    assert one.stat().st_mode & 0o777 == 0o700
    one.chmod(0o755)
    with pytest.raises(ClientError, match="alone"):
        data_folder("ref01", "http://x")


def test_help_states_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever scripts the command finds what its codes mean."""
    with pytest.raises(SystemExit, match="0"):
        main(["run", "--help"])
    shown = capsys.readouterr().out
    assert "exit codes: 0 " in shown
    assert "--backoff_attempts" in shown
