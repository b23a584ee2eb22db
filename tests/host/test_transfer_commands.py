"""The commands `upload`, `download` and `check` on a running archive, and on Orthanc as a second server."""

import asyncio
import contextlib
import hashlib
import http.server
import io
import json
import threading
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bench.orthanc import Orthanc
from client.__main__ import main
from tests.host.archive import Archive, an_archive
from tests.instances import a_dataset, an_instance, part10, uids
from tests.orthanc import an_orthanc

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

NAME = "Doe^Jane"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archive(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    """Give a running, empty archive."""
    async with an_archive(tmp_path_factory.mktemp("archive")) as running:
        await running.start()
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def orthanc(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Orthanc]:
    """Give a second server."""
    async with an_orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        yield running


class Ended:
    """What a command did: its exit code, and all that it printed."""

    def __init__(self, code: int, said: str) -> None:
        self.code = code
        self.said = said


async def run(*words: str) -> Ended:
    """Run a command in a thread; the loop goes on serving."""
    said = io.StringIO()

    def command() -> int:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return main(words)

    return Ended(await asyncio.to_thread(command), said.getvalue())


def a_folder(path: Path, study: int, count: int = 5) -> Path:
    """Write a study of two series, a text and a DICOMDIR, below folders named after a patient."""
    for number in range(1, count + 1):
        file = path / NAME / f"{number}" / "image"
        file.parent.mkdir(parents=True)
        file.write_bytes(an_instance(study, 1 + number % 2, number, PatientName=NAME))
    (path / "notes.txt").write_text("no DICOM")
    (path / "DICOMDIR").write_bytes(an_instance(study, 9, 9))
    return path


async def found(archive: Archive, study: int) -> int:
    """Return how many instances of a study are found."""
    return len(await archive.search(f"studies/{uids(study)[0]}/instances?limit=1000"))


async def test_c004_2_a_folder_is_stored_and_again_nothing_changes(archive: Archive, tmp_path: Path) -> None:
    """Several requests of bounded size, what became of each instance, 45070 counted as there, a rerun a no-op."""
    folder = a_folder(tmp_path / "in", 11)
    url = ("--url", archive.app.url)
    first = await run("upload", str(folder), *url, "--batch-files", "2", "--report", str(tmp_path / "r.json"))
    assert (first.code, "5 files: 5 stored, 0 there already, 0 failed" in first.said) == (0, True), first.said
    assert "2 left out" in first.said
    assert {one["state"] for one in json.loads((tmp_path / "r.json").read_text())} == {"stored"}
    changes = await archive.changes()
    again = await run("upload", str(folder), *url)
    assert again.code == 0
    # The dialect of the Azure service refuses duplicates by 45070.
    other = await run("upload", str(folder), "--dicomweb", f"{archive.app.url}/v2")
    assert (other.code, "0 stored, 5 there already, 0 failed" in other.said) == (0, True), other.said
    assert await archive.changes() == changes
    (folder / "bad.dcm").write_bytes(part10(a_dataset(11, 1, 50, PatientID=None)))
    bad = await run("upload", str(folder), *url)
    assert (bad.code, "1 failed" in bad.said) == (1, True)
    assert uids(11, 1, 50)[2] in bad.said
    assert NAME not in first.said + again.said + other.said + bad.said


async def test_an_upload_by_session_is_published_at_once_or_not(archive: Archive, tmp_path: Path) -> None:
    """Past the app, by addresses signed with the account's key; one file that cannot be stored keeps all out."""
    folder = a_folder(tmp_path / "in", 12)
    done = await run("upload", str(folder), "--session", "--url", archive.app.url)
    assert (done.code, "5 stored" in done.said) == (0, True), done.said
    assert await found(archive, 12) == 5
    folder = a_folder(tmp_path / "bad", 13)
    (folder / "bad.dcm").write_bytes(part10(a_dataset(13, 1, 50, PatientID=None)))
    failed = await run("upload", str(folder), "--session", "--url", archive.app.url)
    assert (failed.code, "0 stored" in failed.said, "1 failed, 5 not published" in failed.said) == (
        1,
        True,
        True,
    )
    assert await found(archive, 13) == 0
    assert [blob.name async for blob in archive.container("sessions").list_blobs()] == []


async def test_an_address_of_a_session_creates_one_blob_and_does_nothing_else(archive: Archive) -> None:
    """It neither overwrites nor reads nor lists, and is good for its own name only."""
    http = archive.session
    async with http.post(f"{archive.app.url}/sessions", json={"files": ["a.dcm"]}) as answer:
        assert answer.status == 201
        told = await answer.json()
    [target] = told["targets"]
    async with http.put(target["url"], data=an_instance(14), headers=target["headers"]) as answer:
        assert answer.status == 201
    other = target["url"].replace("/a.dcm?", "/b.dcm?")
    for method, url in (
        ("PUT", target["url"]),
        ("PUT", other),
        ("GET", target["url"]),
        ("DELETE", target["url"]),
    ):
        data = an_instance(15) if method == "PUT" else None
        async with http.request(method, url, data=data, headers=target["headers"]) as answer:
            assert answer.status == 403, method
    async with http.post(f"{told['url']}/commit", json={"files": ["a.dcm"]}) as answer:
        assert (answer.status, (await answer.json())["status"]) == (200, "done")
    assert await found(archive, 14) == 1


async def test_a_zip_is_committed_in_place_of_files(archive: Archive) -> None:
    """Stored and deflated entries, read by ranges; one that leads out of it is refused, and the session stays open."""
    packed, hostile = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("DICOMDIR", b"an index")
        for number in range(1, 130):
            method = zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED
            file.writestr(f"{NAME}/{number}", an_instance(16, 1, number), method)
    with zipfile.ZipFile(hostile, "w") as file:
        file.writestr("../x", an_instance(16, 1, 500))
    http = archive.session
    for content, status in ((hostile, 400), (packed, 202)):
        async with http.post(f"{archive.app.url}/sessions", json={"files": ["all.zip"]}) as answer:
            told = await answer.json()
        [target] = told["targets"]
        async with http.put(target["url"], data=content.getvalue(), headers=target["headers"]) as answer:
            assert answer.status == 201
        async with http.post(f"{told['url']}/commit") as answer:
            assert answer.status == status, await answer.text()
    async with asyncio.timeout(60):
        while (status_now := await _status(archive, told["url"]))["status"] == "committing":
            assert await found(archive, 16) in (0, 129)
            await asyncio.sleep(0.1)
    assert (status_now["status"], status_now["done"], status_now["failed"]) == ("done", 129, 0)
    assert await found(archive, 16) == 129


async def _status(archive: Archive, url: str) -> dict[str, Any]:
    async with archive.session.get(url) as answer:
        status: dict[str, Any] = await answer.json()
        return status


async def test_c002_3_and_4_a_download_is_whole_and_goes_on(archive: Archive, tmp_path: Path) -> None:
    """Flat numbers and a manifest; a folder that is not empty is refused; --resume fetches what is missing only."""
    await run("upload", str(a_folder(tmp_path / "in", 17)), "--url", archive.app.url)
    dest, words = tmp_path / "out", ("--url", archive.app.url, "--study", uids(17)[0])
    first = await run("download", str(dest), *words)
    assert (first.code, "5 instances: 0 there already, 5 saved" in first.said) == (0, True), first.said
    names = [f"1000000{number}.dcm" for number in range(1, 6)]
    assert sorted(path.name for path in dest.iterdir()) == [*names, "manifest.json"]
    manifest = json.loads((dest / "manifest.json").read_text())["files"]
    sent = {uids(17, 1 + n % 2, n)[2]: an_instance(17, 1 + n % 2, n, PatientName=NAME) for n in range(1, 6)}
    for entry in manifest:
        data = (dest / entry["file"]).read_bytes()
        assert data == sent[entry["instance"]]
        assert (entry["size"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert entry["source"].startswith(archive.app.url)
    refused = await run("download", str(dest), *words)
    assert (refused.code, "not empty" in refused.said) == (1, True)
    kept = (dest / names[0]).stat().st_mtime_ns
    (dest / names[1]).unlink()
    (dest / f"{names[1]}.part").write_bytes(b"half")
    (dest / names[2]).write_bytes(b"cut")
    resumed = await run("download", str(dest), *words, "--resume")
    assert (resumed.code, "3 there already, 2 saved" in resumed.said) == (0, True), resumed.said
    assert (dest / names[0]).stat().st_mtime_ns == kept
    assert json.loads((dest / "manifest.json").read_text())["files"] == manifest
    assert not list(dest.glob("*.part"))
    assert NAME not in first.said + refused.said + resumed.said


async def test_c004_4_from_a_second_server_into_folders(orthanc: Orthanc, tmp_path: Path) -> None:
    """Orthanc sends the same bytes as were stored in it, each instance streamed to its file."""
    folder = a_folder(tmp_path / "in", 18)
    stored = await run("upload", str(folder), "--dicomweb", orthanc.root)
    assert (stored.code, "5 stored" in stored.said) == (0, True), stored.said
    dest = tmp_path / "out"
    saved = await run(
        "download", str(dest), "--dicomweb", orthanc.root, "--layout", "folders", "--parallel", "2"
    )
    assert (saved.code, "5 saved" in saved.said) == (0, True), saved.said
    study, series, instance = uids(18, 2, 1)
    file = dest / "P18" / study / series / f"{instance}.dcm"
    assert file.read_bytes()[132:] == an_instance(18, 2, 1, PatientName=NAME)[132:]


class FailingServer(http.server.ThreadingHTTPServer):
    """A DICOMweb server with three instances, that fails on cue."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Failing)

    @property
    def root(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Failing(http.server.BaseHTTPRequestHandler):
    server: FailingServer

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        is_first = self.server.asked.count(path) == 1
        row = {
            "0020000D": {"vr": "UI", "Value": ["1.2"]},
            "0020000E": {"vr": "UI", "Value": ["1.2.3"]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": NAME}]},
        }
        instances = [row | {"00080018": {"vr": "UI", "Value": [uids(1, 1, n)[2]]}} for n in (1, 1, 2, 3, 4)]
        last = path.rpartition(".")[2]
        if path.endswith("/studies"):
            self._answer(200, json.dumps([row, row]).encode() if "offset=0" in self.path else b"[]")
        elif path.endswith("/1.2/instances"):
            self._answer(200, json.dumps(instances).encode() if "offset=0" in self.path else b"[]")
        elif last == "2" and is_first:
            self._answer(503, b"", **{"Retry-After": "0"})
        elif last == "3":
            self._answer(404, b"")
        elif last == "4":  # promises more than it sends
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(an_instance(1, 1, 4)[:300])
            self.close_connection = True
        else:
            self._answer(200, an_instance(1, 1, int(last)))

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def failing() -> Iterator[FailingServer]:
    """Give a server that fails on cue."""
    with FailingServer() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def test_c002_6_7_and_11_what_fails_stops_nothing_else(failing: FailingServer, tmp_path: Path) -> None:
    """An instance listed twice comes once, 503 is asked again, what is cut short is no file; exit code 1, no names."""
    dest = tmp_path / "out"
    ended = await run("download", str(dest), "--dicomweb", failing.root)
    assert ended.code == 1
    assert "4 instances: 0 there already, 2 saved" in ended.said, ended.said
    assert [uids(1, 1, n)[2] in ended.said for n in (1, 2, 3, 4)] == [False, False, True, True]
    assert sorted(path.name for path in dest.iterdir()) == ["10000001.dcm", "10000002.dcm", "manifest.json"]
    first = f"/studies/1.2/series/1.2.3/instances/{uids(1, 1, 1)[2]}"
    assert failing.asked.count(first) == 1
    assert NAME not in ended.said


class _Refusing(http.server.BaseHTTPRequestHandler):
    status = 401

    def do_GET(self) -> None:
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


async def test_c004_1_what_stands_in_the_way_is_told_apart(archive: Archive, orthanc: Orthanc) -> None:
    """Each by its exit code: 0 all is well, 3 no login, 4 not allowed, 5 nothing there, 6 no such feed."""
    assert (await run("check", "--url", archive.app.url)).code == 0
    assert (await run("check", "--dicomweb", f"{archive.app.url}/v2")).code == 0
    assert (await run("check", "--dicomweb", f"{archive.app.url}/v9")).code == 6
    assert (await run("check", "--dicomweb", orthanc.root)).code == 6
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        root = f"http://127.0.0.1:{server.server_address[1]}"
        assert (await run("check", "--dicomweb", f"{root}/401")).code == 3
        assert (await run("check", "--dicomweb", f"{root}/403")).code == 4
        assert (await run("check", "--dicomweb", f"{root}/500")).code == 1
        server.shutdown()
    assert (await run("check", "--dicomweb", root)).code == 5
