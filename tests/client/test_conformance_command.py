"""The command `conformance` says what it saw, and fails when a check does."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

import client.conformance.command  # noqa: F401 - it declares the checks
from client.__main__ import main
from client.conformance.server import Server
from client.conformance.verdict import CHECKS

ROOT = Path(__file__).parents[2]


class _AlwaysNoContent(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        self.send_response(204)
        self.end_headers()

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - http.server names them so

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base
        """Say nothing."""


@contextmanager
def a_service() -> Iterator[str]:
    """Give the base of a service that answers 204 whatever it is asked."""
    server = HTTPServer(("127.0.0.1", 0), _AlwaysNoContent)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/dicomweb"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.host
def test_one_failure_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    """And each check has its line."""
    with a_service() as url:
        assert main(["conformance", url, "--only", "Q02", "D03", "S22"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [["Q02", "PASS"], ["D03", "FAIL"], ["S22", "N.A."]]
    assert lines[3] == "1 PASS, 1 FAIL, 1 N.A."


@pytest.mark.host
def test_no_failure_is_exit_code_0() -> None:
    """What cannot be checked is no failure."""
    with a_service() as url:
        assert main(["conformance", url, "--only", "Q02", "S22"]) == 0


@pytest.mark.host
@pytest.mark.parametrize("words", [["http://127.0.0.1:1/dicomweb"], ["http://127.0.0.1:1", "--only", "X99"]])
def test_what_cannot_be_run_says_so(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """No service, and no such check."""
    assert main(["conformance", *words]) == 1
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    ("url", "is_azure"),
    [
        ("http://a/dicomweb", False),
        ("http://a/v1", True),
        ("http://a/v2/", True),
        ("http://a/v2/partitions/p", True),
        ("http://a/v10/dicomweb", False),
    ],
)
def test_the_root_tells_the_dialect(url: str, is_azure: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Azure's service has its version in the path."""
    assert Server(url).is_azure == is_azure


def test_all_checks_are_there() -> None:
    """The conformance statement lists each of them, and no other."""
    table = (ROOT / "docs/conformance.md").read_text().partition("## Checks")[2]
    listed = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")][1:]
    assert sorted(listed) == sorted(CHECKS)
    assert len(CHECKS) == 66
