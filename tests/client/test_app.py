"""How the app is started: which host, which settings, which name in storage."""

import json
import os
from pathlib import Path

import pytest

from client.app import FOLDER, LOCAL_SETTINGS, STORAGE_SETTINGS, App


def an_executable(path: Path) -> Path:
    """Write a program that does nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_core_tools_host_the_app_where_they_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`func` on the path is used, at the app's port."""
    func = an_executable(tmp_path / "func")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert [str(func), "start", "--port", "7171"] == App(7171, tmp_path).command()


def test_localhost_hosts_the_app_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `func` the project's own host is started, at the app's port, with a name of its own in storage."""
    monkeypatch.setenv("PATH", str(tmp_path))
    app = App(7171, tmp_path, viewer_folder=tmp_path / "viewer")

    program, *words = app.command()
    options = dict(zip(words[2::2], words[3::2], strict=True))

    assert words[:2] == ["-m", "localhost"]
    assert Path(program).name.startswith("python")
    assert {
        "--app": str(FOLDER),
        "--port": "7171",
        "--host-id": app.host_id,
        "--scan-interval": "1",
    } == options


def test_the_viewer_is_served_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `localhost`; Core Tools serve no folders."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "index.html").touch()
    app = App(7171, tmp_path, viewer_folder=tmp_path)

    assert ["--static", f"/viewer={tmp_path}"] == app.command()[-2:]
    an_executable(tmp_path / "func")
    assert not app.has_viewer


def test_a_local_run_never_reaches_an_account_named_elsewhere(tmp_path: Path) -> None:
    """Storage settings of the surroundings are replaced, in both of Azure's forms."""
    surroundings = {"DicomStorage": "elsewhere", "DicomStorage__blobServiceUri": "elsewhere", "OTHER": "kept"}

    environment = App(7171, tmp_path).environment(surroundings, "here")

    assert "elsewhere" not in environment.values()
    assert [environment[name] for name in STORAGE_SETTINGS] == ["here", "here"]
    assert environment["OTHER"] == "kept"


def test_a_setting_of_the_surroundings_wins_over_the_local_default(tmp_path: Path) -> None:
    """`DICOM_BLOB_EVENTS=queue make run` does what it says."""
    environment = App(7171, tmp_path).environment({"DICOM_BLOB_EVENTS": "queue"}, "here")

    assert environment["DICOM_BLOB_EVENTS"] == "queue"
    assert environment["DICOM_ACCESS"] == "anonymous"


def test_core_tools_find_the_project_s_python_first(tmp_path: Path) -> None:
    """The folder of the running Python leads the path."""
    environment = App(7171, tmp_path).environment({"PATH": "/elsewhere"}, "here")

    first, *rest = environment["PATH"].split(os.pathsep)
    assert list(Path(first).glob("python*"))
    assert rest == ["/elsewhere"]


def test_the_host_id_belongs_to_the_data(tmp_path: Path) -> None:
    """It survives a restart at another port and differs for other data, within Azure's 32 lower-case characters."""
    host_id = App(7171, tmp_path).host_id

    assert App(7272, tmp_path).host_id == host_id
    assert App(7171, tmp_path / "other").host_id != host_id
    assert len(host_id) <= 32
    assert host_id == host_id.lower()


def test_the_sample_settings_name_what_a_local_run_sets() -> None:
    """`local.settings.sample.json` has the same names, and the same values but for the storage's ports."""
    sample = json.loads((FOLDER / "local.settings.sample.json").read_text())["Values"]

    assert {**LOCAL_SETTINGS, **dict.fromkeys(STORAGE_SETTINGS, "UseDevelopmentStorage=true")} == sample


def test_no_other_store_is_written_to(tmp_path: Path) -> None:
    """Buckets that some variable names are left alone, whichever store is asked for."""
    elsewhere = {
        "DICOM_OBJECT_STORE": "s3",
        "DICOM_S3_ENDPOINT": "https://s3.example",
        "DICOM_S3_BUCKET_PREFIX": "real-",
        "DICOM_CONFIG_FILE": "config.json",
    }

    environment = App(7171, tmp_path).environment(elsewhere, "here")
    assert environment["DICOM_OBJECT_STORE"] == "azure"
    assert not any("S3" in name or name == "DICOM_CONFIG_FILE" for name in environment)
    environment = App(7171, tmp_path).environment(elsewhere, "here", {"DICOM_OBJECT_STORE": "s3"})
    assert environment["DICOM_OBJECT_STORE"] == "s3"
    assert not any("S3" in name for name in environment)
