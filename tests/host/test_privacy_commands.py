"""The commands `describe`, `risk` and `deidentify` on a running archive."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pydicom
import pytest
import pytest_asyncio

from client.__main__ import main
from tests.host.archive import Archive, an_archive
from tests.instances import a_dataset, an_instance, part10, uids

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

NAME = "Doe^Jane"
STUDY, SERIES, INSTANCE = uids(1, 1, 1)
HELD = ("--study", STUDY, "--series", SERIES, "--instance", INSTANCE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archive(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    """Give an archive with a study of three instances, of which one says that text is in its pixels."""
    async with an_archive(tmp_path_factory.mktemp("archive")) as running:
        await running.start(DICOM_DEIDENTIFY_SECRET="a secret of tests, 32 bytes long")
        burned = part10(a_dataset(1, 1, 3, PatientName=NAME, BurnedInAnnotation="YES"))
        for data in (an_instance(1, PatientName=NAME), an_instance(1, 1, 2, PatientName=NAME), burned):
            headers = {"Content-Type": "application/dicom"}
            async with running.session.post(
                f"{running.dicomweb}/studies", data=data, headers=headers
            ) as answer:
                assert answer.status == 200
        yield running


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Give a file, one that says that text is in its pixels, and one that is no DICOM."""
    contents = (
        an_instance(7, PatientName=NAME),
        part10(a_dataset(8, PatientName=NAME, BurnedInAnnotation="YES")),
        b"no DICOM",
    )
    paths = [tmp_path / f"{NAME}-{number}.dcm" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return [str(path) for path in paths]


async def run(archive: Archive, *words: str) -> tuple[int, str]:
    """Run a command; return its exit code and all that it prints, which names nobody."""
    printed = io.StringIO()

    def command() -> int:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            return main([*words, "--url", archive.app.url])

    code = await asyncio.to_thread(command)
    assert "Doe" not in printed.getvalue()
    return code, printed.getvalue()


async def test_attributes_are_saved_and_not_shown(archive: Archive, files: list[str], tmp_path: Path) -> None:
    """Of a file and of an instance, by the keys that are asked for."""
    for number, what in enumerate(((files[0],), HELD)):
        target = tmp_path / f"{number}.json"
        assert "21 attributes" in (await run(archive, "describe", *what))[1]
        code, _ = await run(archive, "describe", *what, "--keys", "keyword", "-o", str(target))
        assert code == 0
        keys = [attribute["key"] for attribute in json.loads(target.read_text())["attributes"]]
        assert "PatientName" in keys
        assert "Doe" in target.read_text()
        code, printed = await run(archive, "describe", *what, "-o", str(target))
        assert (code, "--force" in printed) == (1, True)


async def test_risk_of_files(archive: Archive, files: list[str], tmp_path: Path) -> None:
    """Each has its report; one that cannot be judged is told by its place, and makes the command fail."""
    report = tmp_path / "risk.json"
    code, printed = await run(archive, "risk", *files, "-o", str(report))
    assert code == 1
    assert "file 3: " in printed
    assert "1 of 3 files could not be judged" in printed
    told = json.loads(report.read_text())
    assert [one.get("level", "") for one in told] == ["high", "high", ""]
    assert "Jane" not in json.dumps([one["findings"] for one in told[:2]])


@pytest.mark.parametrize("what", [HELD, ("--study", STUDY), ()])
async def test_risk_of_what_is_held(archive: Archive, what: tuple[str, ...], tmp_path: Path) -> None:
    """Of an instance, a study, and all studies; 3 when it is graver than what is allowed."""
    report = tmp_path / "risk.json"
    code, printed = await run(archive, "risk", *what, "-o", str(report))
    assert (code, "1 high" in printed) == (0, True)
    assert [one["level"] for one in json.loads(report.read_text())] == ["high"]
    assert (await run(archive, "risk", *what, "--fail-at", "medium"))[0] == 3


async def test_files_are_deidentified_into_a_folder(
    archive: Archive, files: list[str], tmp_path: Path
) -> None:
    """Under their new UIDs; what is refused is told by its place, and the exit code is 3."""
    folder = tmp_path / "out"
    options = ("--options", "retain_patient_characteristics", "-o", str(folder))
    code, printed = await run(archive, "deidentify", *files, *options)
    assert (code, "saved 1 files" in printed) == (3, True)
    assert "file 2: The pixels may show" in printed
    [saved] = folder.iterdir()
    data_set = pydicom.dcmread(saved)
    assert (data_set.PatientIdentityRemoved, f"{data_set.SOPInstanceUID}.dcm") == ("YES", saved.name)
    assert b"Doe" not in saved.read_bytes()
    assert (await run(archive, "deidentify", files[0], *options))[0] == 3
    assert (await run(archive, "deidentify", files[0], *options, "--force"))[0] == 0
    masked = ("--mask", "0,0,8,2", "-o", str(tmp_path / "masked"))
    assert (await run(archive, "deidentify", files[1], *masked))[0] == 0


async def test_a_dry_run_saves_reports(archive: Archive, files: list[str], tmp_path: Path) -> None:
    """Tag path, rule and action of each file, by its place."""
    folder = tmp_path / "out"
    code, _ = await run(archive, "deidentify", files[0], "--dry-run", "-o", str(folder))
    assert code == 0
    [report] = folder.iterdir()
    assert report.name == "1.json"
    assert "(0010,0010)" in {change["path"] for change in json.loads(report.read_text())["changes"]}


async def test_a_study_is_deidentified_by_a_job(archive: Archive, tmp_path: Path) -> None:
    """The command waits for it, and exits with 3 as one instance was refused."""
    report = tmp_path / "job.json"
    words = ("deidentify", "--study", STUDY, "--to-partition", "research", "-o", str(report))
    code, printed = await run(archive, *words)
    assert (code, "2 done, 1 refused" in printed) == (3, True)
    told = json.loads(report.read_text())
    assert (told["done"], told["failed"], "3/3" in printed) == (2, 1, True)
    series = ("deidentify", *HELD, "--to-partition", "research2")
    assert await run(archive, *series) == (0, f"{'de-identifying':<20} [{'#' * 30}] 1/1\n1 done, 0 refused\n")
    code, printed = await run(archive, *series, "--no-wait")
    assert (code, printed.startswith("/deidentify/jobs/")) == (0, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("describe",), "name one file"), (("describe", "--study", STUDY), "name one file"),
        (("describe", "--study", "1.2", "--series", "1.3", "--instance", "1.4"), "1.4"),
        (("describe", "/nowhere"), "cannot be read"), (("risk", "--series", SERIES), "needs --study"),
        (("risk", "--study", "x"), "digits"), (("risk", "--study", STUDY, "--series", SERIES), "not kept"),
        (("deidentify",), "name files"), (("deidentify", "x.dcm"), "-o"),
        (("deidentify", "--case", "2014"), "YEAR/ID"), (("deidentify", "--study", STUDY), "toPartition"),
        (("deidentify", "--case", "2014/S9", "--dry-run"), "case"),
        (("deidentify", "--study", STUDY, "--options", "all", "--dry-run"), "options"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_or_is_not_there_is_said(
    archive: Archive, words: tuple[str, ...], said: str
) -> None:
    """With exit code 1."""
    code, printed = await run(archive, *words)
    assert code == 1
    assert said in printed


async def test_an_archive_that_does_not_answer_is_said(files: list[str]) -> None:
    """With exit code 1, and no trace."""
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed):
        code = await asyncio.to_thread(main, ["risk", files[0], "--url", "http://127.0.0.1:9"])
    assert (code, "does not answer" in printed.getvalue()) == (1, True)
