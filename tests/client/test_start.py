"""`python -m client start` from start to stop, with the real Azurite and a stand-in for the app."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from client.app import FOLDER
from client.azurite import CONTAINERS, QUEUES, TABLES, Azurite
from client.noida import NoidaDb
from client.sample_data import CASE_STUDY_INSTANCE_UID, TUTORIAL_STUDY_INSTANCE_UID, sample_files
from client.seaweedfs import SeaweedFs
from tests.free_ports import free_ports

pytestmark = pytest.mark.azurite

START_SECONDS = 60
STOP_SECONDS = 10  # what a user is promised
PORTS_OF_THREE = 12


def study(study_instance_uid: str, instances: int) -> dict[str, object]:
    """Describe a study as a search does."""
    return {
        "0020000D": {"vr": "UI", "Value": [study_instance_uid]},
        "00201208": {"vr": "IS", "Value": [instances]},
    }


PARTLY_INDEXED = [study(TUTORIAL_STUDY_INSTANCE_UID, 3), study(CASE_STUDY_INSTANCE_UID, 1)]
INDEXED = [study(TUTORIAL_STUDY_INSTANCE_UID, 3), study(CASE_STUDY_INSTANCE_UID, 4)]
# The last answer is for the test, which so sees that the start has read all before.
SEARCHES = [[], PARTLY_INDEXED, INDEXED, []]


class Run:
    """One start of the command."""

    def __init__(
        self,
        data_folder: Path,
        port: int,
        *words: str,
        behaviour: str = "",
        searches: Sequence[object] = SEARCHES,
    ) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.azurite = Azurite(port + 1)
        func = data_folder.parent / "func"
        func.write_text(f"#!{sys.executable}\n" + (Path(__file__).parent / "fake_func.py").read_text())
        func.chmod(0o755)
        environment = {
            **os.environ,
            "PATH": f"{func.parent}{os.pathsep}{os.environ['PATH']}",
            "PORT": str(port),
            "AZURITE_PORT": str(port + 1),
            "DATA_DIR": str(data_folder),
            "FAKE_FUNC": behaviour,
            "FAKE_SEARCHES": json.dumps(searches),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "client", "start", *words],
            env=environment,
            cwd=FOLDER,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until_ready(self) -> list[str]:
        """Read what it prints up to the line that says it is ready."""
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip())
            if line.startswith("ready:"):
                return lines
        pytest.fail(f"it ended before it was ready: {lines} {self.process.communicate()[1]}")

    def stop(self, number: signal.Signals) -> tuple[int, str, str]:
        """Send a signal; return exit code and what was printed after it."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=STOP_SECONDS)
        return self.process.returncode, out, err

    def ended(self) -> tuple[int, str]:
        """Wait for the end that comes by itself; return exit code and message."""
        _, err = self.process.communicate(timeout=START_SECONDS)
        return self.process.returncode, err


@pytest.fixture
def port() -> int:
    """Find free ports for three runs in a row, below those that the system hands out by itself."""
    for first in range(20000 + os.getpid() % 500 * PORTS_OF_THREE, 32000, PORTS_OF_THREE):
        with ExitStack() as held:
            try:
                for number in range(first, first + PORTS_OF_THREE):
                    held.enter_context(socket.create_server(("127.0.0.1", number)))
            except OSError:
                continue
            return first
    pytest.fail(f"no {PORTS_OF_THREE} free ports in a row")


@pytest.fixture
def runs() -> Iterator[list[Run]]:
    """Collect the starts of a test, so that none outlives it."""
    started: list[Run] = []
    yield started
    for run in started:
        if run.process.poll() is None:
            run.process.terminate()
            run.process.communicate(timeout=START_SECONDS)


def nothing_listens(run: Run) -> bool:
    """Tell whether app and Azurite are gone."""
    ports = [int(run.url.rsplit(":", 1)[1]), *run.azurite.ports]
    for number in ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", number)) == 0:
                return False
    return True


def blob_names(run: Run) -> set[str]:
    """List the container of images."""
    with BlobServiceClient.from_connection_string(run.azurite.connection_string) as blobs:
        return set(blobs.get_container_client("images").list_blob_names())


def test_a_first_start_furnishes_and_fills_the_store(tmp_path: Path, port: int, runs: list[Run]) -> None:
    """Containers, queues and tables are there, the samples and their report too, and the last line says ready."""
    run = Run(tmp_path / "data", port)
    runs.append(run)
    lines = run.until_ready()
    connection_string = run.azurite.connection_string

    with BlobServiceClient.from_connection_string(connection_string) as blobs:
        assert set(CONTAINERS) <= {container.name for container in blobs.list_containers()}
    with QueueServiceClient.from_connection_string(connection_string) as queues:
        assert set(QUEUES) <= {queue.name for queue in queues.list_queues()}
    with TableServiceClient.from_connection_string(connection_string) as tables:
        assert set(TABLES) <= {table.name for table in tables.list_tables()}
    with urllib.request.urlopen(f"{run.url}/cases/2014/S0000001/report", timeout=START_SECONDS) as answer:
        assert "no person" in json.load(answer)
    assert blob_names(run) == set(sample_files())
    assert lines[-1].startswith(f"ready: {run.url}")
    assert sum(line.startswith("  curl ") for line in lines) == 3


def test_ready_means_that_all_samples_are_found(tmp_path: Path, port: int, runs: list[Run]) -> None:
    """It searches until both studies are complete, not only present."""
    run = Run(tmp_path / "data", port)
    runs.append(run)
    run.until_ready()

    with urllib.request.urlopen(f"{run.url}/dicomweb/studies") as answer:
        assert json.load(answer) == SEARCHES[-1]


def test_an_app_that_refuses_to_search_ends_the_run(tmp_path: Path, port: int, runs: list[Run]) -> None:
    """Samples that cannot be found are no success: exit code 1 and the request that failed."""
    run = Run(tmp_path / "data", port, searches=[None])
    runs.append(run)

    code, message = run.ended()

    assert code == 1
    assert message.startswith(f"error: GET {run.url}/dicomweb/studies answered 404")
    assert nothing_listens(run)


def test_the_app_finds_its_settings_in_the_environment(tmp_path: Path, port: int, runs: list[Run]) -> None:
    """Both storage settings lead to this Azurite."""
    run = Run(tmp_path / "data", port, "--no-samples")
    runs.append(run)
    run.until_ready()

    with urllib.request.urlopen(f"{run.url}/environment") as answer:
        environment = json.load(answer)

    assert environment["DicomStorage"] == run.azurite.connection_string
    assert environment["AzureWebJobsStorage"] == run.azurite.connection_string
    assert blob_names(run) == set()


def test_objects_lie_on_seaweedfs_if_asked(tmp_path: Path, port: int, runs: list[Run]) -> None:
    """Samples are dropped into its bucket, the app is told so, and a signal stops it too."""
    seaweedfs = SeaweedFs(free_ports(10))
    run = Run(tmp_path / "data", port, "--store", "s3", "--s3-port", str(seaweedfs.s3_port))
    runs.append(run)
    lines = run.until_ready()
    listed = seaweedfs.client().list_objects_v2(Bucket="images")["Contents"]
    with urllib.request.urlopen(f"{run.url}/environment") as answer:
        environment = json.load(answer)

    assert {one["Key"] for one in listed} == set(sample_files())
    assert blob_names(run) == set()
    assert seaweedfs.settings().items() <= environment.items()
    assert any(seaweedfs.endpoint in line for line in lines)
    assert run.stop(signal.SIGTERM) == (0, "", "")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", seaweedfs.s3_port)) != 0


def test_a_search_server_runs_beside_if_asked(tmp_path: Path, port: int, runs: list[Run]) -> None:
    """The app is told of it, it answers as Elasticsearch does, and a signal stops it too."""
    noida = NoidaDb(free_ports(1))
    run = Run(tmp_path / "data", port, "--no-samples", "--search", "--search-port", str(noida.port))
    runs.append(run)
    run.until_ready()
    with urllib.request.urlopen(f"{run.url}/environment") as answer:
        environment = json.load(answer)
    with urllib.request.urlopen(noida.url) as answer:
        assert "version" in json.load(answer)

    assert noida.settings().items() <= environment.items()
    assert run.stop(signal.SIGTERM) == (0, "", "")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", noida.port)) != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_in_order(
    tmp_path: Path, port: int, runs: list[Run], number: signal.Signals
) -> None:
    """Ctrl-C and SIGTERM end it with 0 and no word, and nothing listens any more."""
    run = Run(tmp_path / "data", port, "--no-samples")
    runs.append(run)
    run.until_ready()

    assert run.stop(number) == (0, "", "")
    assert nothing_listens(run)


def test_an_app_that_ignores_the_signal_is_killed_in_time(tmp_path: Path, port: int, runs: list[Run]) -> None:
    """The promise of ten seconds holds for an app that hangs."""
    run = Run(tmp_path / "data", port, "--no-samples", behaviour="stubborn")
    runs.append(run)
    run.until_ready()

    assert run.stop(signal.SIGINT)[0] == 0
    assert nothing_listens(run)


def test_a_second_start_keeps_what_the_user_left(tmp_path: Path, port: int, runs: list[Run]) -> None:
    """The store survives a stop, and samples are loaded into an empty store only."""
    first = Run(tmp_path / "data", port)
    runs.append(first)
    first.until_ready()
    with BlobServiceClient.from_connection_string(first.azurite.connection_string) as blobs:
        blobs.get_container_client("images").delete_blob("tutorial/blue-circle.dcm")
    first.stop(signal.SIGTERM)

    second = Run(tmp_path / "data", port)
    runs.append(second)
    second.until_ready()

    assert blob_names(second) == set(sample_files()) - {"tutorial/blue-circle.dcm"}


def test_an_app_that_cannot_start_is_named_with_its_log(tmp_path: Path, port: int, runs: list[Run]) -> None:
    """Exit code 1, the app's last words, and no Azurite left behind."""
    run = Run(tmp_path / "data", port, behaviour="crash")
    runs.append(run)

    code, message = run.ended()

    assert code == 1
    assert message.startswith("error: the app stopped by itself with exit code 1.")
    assert "fake func cannot start" in message
    assert nothing_listens(run)


def test_an_app_that_dies_later_is_named(tmp_path: Path, port: int, runs: list[Run]) -> None:
    """A crash while everything runs ends the run with the app's exit code in the message."""
    run = Run(tmp_path / "data", port, "--no-samples")
    runs.append(run)
    run.until_ready()
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        urllib.request.urlopen(f"{run.url}/die")

    code, message = run.ended()

    assert code == 1
    assert message.startswith("error: the app stopped by itself with exit code 3.")
    assert nothing_listens(run)


def test_an_azurite_that_dies_is_named(tmp_path: Path, port: int, runs: list[Run]) -> None:
    """The app is stopped when its storage is gone, and the message says that it was the storage."""
    run = Run(tmp_path / "data", port, "--no-samples")
    runs.append(run)
    run.until_ready()
    pid = run.process.pid
    children = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    for child in children:
        if b"--blobPort" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(child, signal.SIGKILL)

    code, message = run.ended()

    assert code == 1
    assert message.startswith("error: Azurite stopped by itself with exit code -9.")
    assert nothing_listens(run)


def test_two_run_side_by_side_but_not_on_the_same_data(tmp_path: Path, port: int, runs: list[Run]) -> None:
    """A second run with its own ports is refused the first one's folder and takes another."""
    first = Run(tmp_path / "data", port, "--no-samples")
    runs.append(first)
    first.until_ready()
    refused = Run(tmp_path / "data", port + 4, "--no-samples")
    runs.append(refused)
    second = Run(tmp_path / "other", port + 8, "--no-samples")
    runs.append(second)
    second.until_ready()

    code, message = refused.ended()

    assert code == 1
    assert "Choose another folder by DATA_DIR" in message
    assert first.process.poll() is None
