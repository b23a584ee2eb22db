"""How the client logs in to a DICOMweb server, and what it takes for an instance."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.__main__ import main
from client.dicomweb import sop_instance_uid
from tests.instances import an_instance, uids

LOGINS = ("DICOM_FUNCTIONS_KEY", "DICOM_FUNCTIONS_TOKEN", "DICOM_FUNCTIONS_USER", "DICOM_FUNCTIONS_PASSWORD")


class Noting(http.server.ThreadingHTTPServer):
    """A server that notes how it is logged in to, and has an empty change feed."""

    daemon_threads = True

    def __init__(self) -> None:
        self.logins: list[tuple[str | None, str | None]] = []
        self.leads_to = ""
        self.content = b"[]"
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def root(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Noting

    def do_GET(self) -> None:
        self.server.logins.append((self.headers.get("Authorization"), self.headers.get("x-functions-key")))
        self.send_response(302 if self.server.leads_to else 200)
        if self.server.leads_to:
            self.send_header("Location", self.server.leads_to + self.path)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Noting]:
    """Give a server, and no login."""
    for name in LOGINS:
        monkeypatch.delenv(name, raising=False)
    with Noting() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.host
@pytest.mark.parametrize(
    ("login", "sent"),
    [
        ({}, (None, None)),
        ({"DICOM_FUNCTIONS_KEY": "k"}, (None, "k")),
        ({"DICOM_FUNCTIONS_TOKEN": "t"}, ("Bearer t", None)),
        ({"DICOM_FUNCTIONS_USER": "u", "DICOM_FUNCTIONS_PASSWORD": "p"}, ("Basic dTpw", None)),
    ],
)
def test_c002_8_logins_are_sent_and_never_printed(
    login: dict[str, str],
    sent: tuple[str | None, str | None],
    server: Noting,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A function key, a bearer token or a basic login, by variables."""
    for name, value in login.items():
        monkeypatch.setenv(name, value)
    assert main(["check", "--dicomweb", server.root]) == 0
    assert server.logins == [sent]
    assert "Bearer" not in (said := capsys.readouterr().out)
    assert "dTpw" not in said


def test_a_certificate_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is asked."""
    assert main(["check", "--cert", "/nowhere/x.pem"]) == 1
    assert "/nowhere/x.pem" in capsys.readouterr().err


def test_a_file_says_which_instance_it_is(tmp_path: Path) -> None:
    """By its file meta information; what is no DICOM file, or is cut, says nothing."""
    data = an_instance(1, 2, 3)
    for content, expected in ((data, uids(1, 2, 3)[2]), (b"text", ""), (data[:140], ""), (b"", "")):
        (tmp_path / "x").write_bytes(content)
        assert sop_instance_uid(tmp_path / "x") == expected


@pytest.mark.host
@pytest.mark.parametrize("command", [("check",), ("search", "PatientID=1"), ("download", "out")])
def test_no_login_goes_where_a_server_leads(
    server: Noting, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither token nor key are sent to another host than the one they are for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DICOM_FUNCTIONS_KEY", "the-key")
    monkeypatch.setenv("DICOM_FUNCTIONS_TOKEN", "the-token")
    other = Noting()
    thread = threading.Thread(target=other.serve_forever, args=(0.05,))
    thread.start()
    try:
        server.leads_to = other.root.replace("127.0.0.1", "localhost")
        main([*command, "--url", server.root])
    finally:
        other.shutdown()
        thread.join()
        other.server_close()
    assert "the-key" in server.logins[0]
    assert other.logins
    assert set(other.logins) == {(None, None)}


@pytest.mark.host
def test_a_page_in_place_of_an_answer_is_said_to_be_one(
    server: Noting, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And not that nobody answers; nothing is made of it."""
    server.content = b"<html>Doe^Jane</html>"
    assert main(["download", str(tmp_path / "out"), "--url", server.root]) == 1
    said = capsys.readouterr().err
    assert "is it the root of a DICOMweb service?" in said
    assert "Doe" not in said
    assert not (tmp_path / "out").exists()
