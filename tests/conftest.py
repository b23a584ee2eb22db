"""What every test stands on: no cloud credentials, no sockets in unit tests, one Azurite a session."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import hypothesis
import pytest

from tests.azurite import AzuriteError, running_azurite
from tests.unit.infra.types_of_azure import header

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.register_profile("quick", deadline=None, max_examples=30)
hypothesis.settings.load_profile("untimed")

# Contract suites hold the asserts of many test files but are not test files themselves.
pytest.register_assert_rewrite("tests.contract")

_FOREIGN_SETTINGS = ("AZURE_", "AZUREWEBJOBS", "AWS_", "IDENTITY_", "MSI_")
_FAKE_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_MARKERS_WITH_NETWORK = ("azurite", "host", "search")


def pytest_report_header() -> list[str]:
    """Say what also runs where it is at hand: without it nothing of it is even collected."""
    if os.environ.get("ES_TEST_URL"):
        return ["search: on noida-db, osmem-server and the cluster of ES_TEST_URL", header()]
    return [
        "search: on noida-db and osmem-server; NOT run on a real Elasticsearch, as ES_TEST_URL is not set",
        header(),
    ]


@pytest.fixture(scope="session", autouse=True)
def no_cloud_credentials() -> Iterator[None]:
    """Keep a developer's own accounts out of reach: no test can read or bill them by mistake."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.upper().startswith(_FOREIGN_SETTINGS):
                patch.delenv(name)
        for name, value in _FAKE_SETTINGS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(autouse=True)
def no_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections in tests that bear none of the markers which promise a server on loopback."""
    if any(request.node.get_closest_marker(name) for name in _MARKERS_WITH_NETWORK):
        return

    def refuse(_socket: socket.socket, address: object) -> None:
        pytest.fail(
            f"a unit test connects to {address}; mark it `azurite`, `host` or `search`, or hand it a fake"
        )

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the connection string of a storage account that lasts as long as the test session."""
    try:
        with running_azurite(tmp_path_factory.mktemp("azurite")) as connection_string:
            yield connection_string
    except AzuriteError as error:
        pytest.fail(str(error))
