"""The command `run`: a folder goes to a partner, by a running archive or by one of the run's own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from client.app import FOLDER
from tests.host.archive import Archive
from tests.instances import an_instance
from tests.partner_server import A_KEY, MD_KEY, U_KEY, Cue, PartnerServer, a_partner

pytestmark = [pytest.mark.host]

SECRETS = ("Canary", "Hidden Clinic", "Doe", MD_KEY, U_KEY, A_KEY)


@pytest.fixture
def partner() -> Iterator[PartnerServer]:
    """Give a partner on loopback."""
    with a_partner() as running:
        yield running


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give a folder to work in, with three files of two studies."""
    files = {"data/Doe_Jane.dcm": (1, 1), "data/more/b.DCM": (1, 2), "data/more/deep/c.dcm": (2, 1)}
    for name, (study, number) in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(an_instance(study, 1, number, PatientName="Doe^Jane", PatientID="P1"))
    return tmp_path


def run(place: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, "-m", "client", "run", "--sample_id", "ref01", *words]
    environment = {**kept, "PYTHONPATH": str(FOLDER), "TMPDIR": str(place), **variables}
    return subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


def contents(place: Path) -> dict[str, bytes]:
    """Return the files of the folder that is sent."""
    return {str(path): path.read_bytes() for path in (place / "data").rglob("*") if path.is_file()}


async def test_each_phase_has_its_exit_code(
    stopped_archive: Archive, partner: PartnerServer, place: Path
) -> None:
    """With a running archive: 0 when all succeeded; a rerun sends only what is missing; sources stay as they are."""
    archive = stopped_archive
    await archive.start(**partner.environment())
    before = contents(place)
    unfit = place / "unfit" / "Doe.dcm"
    unfit.parent.mkdir()
    unfit.write_bytes(an_instance(3, PatientName="Doe^Jane", PatientID=None))
    refused = run(place, "--url", archive.app.url, "--sample_id", "ref02", "--directory", "unfit")
    assert (refused.returncode, "(0010,0020) PatientID is absent" in refused.stderr) == (5, True)
    words = ("--url", archive.app.url, "--backoff_attempts", "0", "--console_logs", "False")
    for service, code in (("metadata", 6), ("upload", 7), ("analytics", 8)):
        partner.cues[service].append(Cue(403))
        failed = run(place, *words)
        assert failed.returncode == code, failed.stderr
        assert "403" in failed.stderr
    assert len(partner.of("analytics")) == 1
    assert len(partner.stored) == 3
    done = run(place, *words)

    assert done.returncode == 0, done.stderr
    assert "3 files are with the partner" in done.stdout
    assert len(partner.of("upload")) == 4
    names = {(str(one.PatientName), one.PatientID) for one in map(_read, partner.stored)}
    assert names == {("Canary^Jane", "ref01-001")}
    assert contents(place) == before
    logs = sorted(place.glob("moichor-ref01-1*.log"))
    assert len(logs) == 4
    said = done.stdout + done.stderr + "".join(log.read_text() for log in logs) + archive.log()
    for secret in SECRETS:
        assert secret not in said


async def test_an_archive_of_its_own_comes_and_goes(partner: PartnerServer, place: Path) -> None:
    """The variables stand in .env; what failed goes on in the next run, after which nothing is left."""
    variables = partner.environment(LOG_LEVEL="INFO", DICOM_PARTNER_LOG_URL=f"{partner.url}/log")
    (place / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    partner.cues["upload"].extend([Cue(), Cue(413)])
    failed = run(place, "--max_retry", "0", "--console_logs", "True")
    assert failed.returncode == 7, failed.stdout + failed.stderr
    assert "1 of 3 files failed" in failed.stderr
    assert "[ERROR] | the run failed: upload: 1 of 3 files failed" in failed.stdout
    assert partner.of("analytics") == []
    assert partner.of("log")
    assert list(place.glob("dicom-functions-run-*"))
    # A file without PatientID gets one, as the other attributes.
    (place / "data" / "Doe_0.dcm").write_bytes(an_instance(3, PatientName="Doe^Jane", PatientID=None))
    done = run(place, "--max_retry", "0")

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(partner.of("upload")) == 5
    assert {_read(data).PatientID for data in partner.stored} == {"ref01-001"}
    assert len(partner.stored) == 4
    assert json.loads(partner.of("analytics")[0].body) == {"sample_id": "ref01", "request_type": "cbc"}
    assert list(place.glob("dicom-functions-run-*")) == []
    said = failed.stdout + failed.stderr + done.stdout + done.stderr + str(partner.of("log"))
    for secret in SECRETS[:3]:
        assert secret not in said


def _read(data: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(data))
