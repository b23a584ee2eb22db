"""The command `case`, and the README's lines of Python, on a running archive."""

import asyncio
import contextlib
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from azure.data.tables.aio import TableClient
from PIL import Image

from client import mammography
from client.__main__ import main
from tests.host.archive import Archive, eventually
from tests.instances import an_instance

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

ROOT = Path(__file__).parents[2]
VIEWS = ("L__CC", "L__MLO", "R__CC", "R__MLO")
FILES = sorted(
    [
        *(f"{folder}/{view}.png" for folder in ("png8", "png16") for view in VIEWS),
        *(f"dicom/{view}.dcm" for view in VIEWS),
        "report.txt",
        "case.json",
    ]
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(archive: Archive) -> AsyncIterator[str]:
    """Give the address of an archive with a complete case, and one of a single view without pixels to show."""
    images = archive.container("images")
    for name, file in mammography.case_files(seed=1):
        await images.upload_blob(name, file)
    await images.upload_blob("x/2015/S7/R__CC/1.dcm", an_instance(7, Rows=None))
    async with TableClient.from_connection_string(archive.azurite.connection_string, "report") as reports:
        key = {"PartitionKey": mammography.YEAR, "RowKey": mammography.CASE_ID}
        values = {"id": mammography.CASE_ID, "year": mammography.YEAR, "report": mammography.REPORT}
        await reports.upsert_entity(key | values)

    async def both_are_found() -> bool:
        missing = []
        for case in (f"{mammography.YEAR}/{mammography.CASE_ID}", "2015/S7"):
            async with archive.session.get(f"{archive.app.url}/cases/{case}") as answer:
                missing.append(len((await answer.json())["missing"]) if answer.status == 200 else None)
        return missing == [0, 4]

    await eventually(both_are_found)
    yield archive.app.url


async def run(*words: str) -> tuple[int, str]:
    """Run the command; return its exit code and all that it prints."""
    printed = io.StringIO()

    def command() -> int:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            return main(["case", *words])

    return await asyncio.to_thread(command), printed.getvalue()


def saved(folder: Path) -> list[str]:
    """Return the names of all files below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_a_case_is_saved_in_open_formats(url: str, tmp_path: Path) -> None:
    """C000-9: DICOM byte for byte, pictures of both depths, the report as text, a sidecar; no pickle."""
    folder = tmp_path / "case"
    code, printed = await run("2014", "S0000001", "--save", str(folder), "--url", url)
    assert (code, saved(folder)) == (0, FILES)
    for name, file in mammography.case_files(seed=1):
        view = name.split("/")[3]
        digest = hashlib.sha256((folder / "dicom" / f"{view}.dcm").read_bytes())
        assert digest.digest() == hashlib.sha256(file).digest()
        depths = [np.asarray(Image.open(folder / depth / f"{view}.png")) for depth in ("png8", "png16")]
        assert [str(pixels.dtype) for pixels in depths] == ["uint8", "uint16"]
        assert np.abs(depths[1] / 257 - depths[0]).max() <= 0.5
    assert (folder / "report.txt").read_text() == mammography.REPORT
    about = json.loads((folder / "case.json").read_text())
    assert (about["missing"], about["problems"], sorted(about["views"])) == ([], [], sorted(VIEWS))
    assert "14/14" in printed


async def test_the_console_shows_nothing_of_the_patient(url: str, tmp_path: Path) -> None:
    """Neither the id nor what the report says."""
    _, printed = await run("2014", "S0000001", "--save", str(tmp_path / "case"), "--url", url)
    for told in (mammography.CASE_ID, "SYNTHETIC", "BI-RADS"):
        assert told not in printed


async def test_what_is_there_is_not_overwritten_unless_forced(url: str, tmp_path: Path) -> None:
    """And nothing is fetched before that is known."""
    (tmp_path / "report.txt").write_text("mine")
    words = ("2014", "S0000001", "--save", str(tmp_path), "--url", url)
    code, printed = await run(*words)
    assert (code, saved(tmp_path)) == (1, ["report.txt"])
    assert "report.txt already" in printed
    assert "--force" in printed
    assert (tmp_path / "report.txt").read_text() == "mine"
    assert (await run(*words, "--force"))[0] == 0
    assert (tmp_path / "report.txt").read_text() == mammography.REPORT
    assert saved(tmp_path) == FILES


async def test_a_partial_case_is_exit_code_3_for_who_wants_all(url: str, tmp_path: Path) -> None:
    """C000-5: nothing is saved then, and what is missing is named; else it is saved as far as it goes."""
    words = ("2015", "S7", "--save", str(tmp_path / "case"), "--url", url)
    code, printed = await run(*words, "--strict")
    assert (code, (tmp_path / "case").exists()) == (3, False)
    assert "L__CC, L__MLO, R__MLO, report" in printed
    code, _ = await run(*words)
    assert (code, saved(tmp_path / "case")) == (0, ["case.json", "dicom/R__CC.dcm"])
    about = json.loads((tmp_path / "case" / "case.json").read_text())
    assert about["missing"] == ["L__CC", "L__MLO", "R__MLO", "report"]
    assert [problem["file"] for problem in about["problems"]] == ["png8/R__CC.png", "png16/R__CC.png"]


async def test_a_complete_case_is_none_of_strictness_concern(url: str) -> None:
    """Without a folder it is looked at only."""
    assert (await run("2014", "S0000001", "--strict", "--url", url))[0] == 0


async def test_a_case_or_archive_that_is_not_there_is_said(url: str, tmp_path: Path) -> None:
    """Exit code 1, and nothing saved."""
    code, printed = await run("2014", "S9", "--save", str(tmp_path / "case"), "--url", url)
    assert (code, "no such case" in printed) == (1, True)
    code, printed = await run("2014", "S0000001", "--save", str(tmp_path / "case"), "--url", f"{url}/health")
    assert code == 1
    assert not (tmp_path / "case").exists()


async def test_the_readme_s_lines_of_python_fetch_the_case(url: str, tmp_path: Path) -> None:
    """As they stand there, but for the port."""
    readme = (ROOT / "README.md").read_text()
    [lines] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len([line for line in lines.splitlines() if line]) == 5
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", lines.replace("http://localhost:7071", url)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={"PATH": os.defpath},
    )
    assert saved(tmp_path) == [f"{view}.png" for view in VIEWS]
    assert np.asarray(Image.open(tmp_path / "L__CC.png")).dtype == np.uint16
    assert mammography.REPORT in done.stdout
