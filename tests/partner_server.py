"""A partner on loopback, who fails on cue: refuses, hangs, asks to wait, drops in the middle, answers what is no JSON."""

import hashlib
import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

METADATA = {
    "patient-name": "Canary^Jane",
    "request_species": "Canine",
    "test_type": "cbc",
    "clinic-name": "Hidden Clinic",
}
MD_KEY, U_KEY, A_KEY = "metadata-key-0001", "upload-key-0002", "analytics-key-0003"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    service: str
    at: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Cue:
    """How one request is to be answered."""

    status: int = 200
    body: bytes = b'"Success"'
    headers: Mapping[str, str] = field(default_factory=dict)
    drop_after: int | None = None
    """The connection is cut when so many bytes of the body came."""
    hang: float = 0
    """Seconds before the answer, unless the partner is closed before."""


class PartnerServer:
    """The three services and one for logs, each with a queue of cues; with none left it does as asked."""

    def __init__(self, metadata: Mapping[str, Any] | None = None) -> None:
        self.metadata: Any = dict(METADATA if metadata is None else metadata)
        self.cues: dict[str, deque[Cue]] = defaultdict(deque)
        self.asked: list[Asked] = []
        self.stored: list[bytes] = []
        self.keeps_content = True
        self.refuses_duplicates = False
        self.takes_seconds = 0.0
        """What every answer takes, unless the partner is closed before."""
        self.closed = threading.Event()
        self.lock = threading.Lock()
        self.at_once = self.most_at_once = 0
        partner = self

        class Handler(_Handler):
            server_partner = partner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def environment(self, **more: str) -> dict[str, str]:
        """Return the settings that name it, in the forerunner's words, with short waits."""
        return {
            "MD_URL": f"{self.url}/metadata",
            "MD_KEY": MD_KEY,
            "U_URL": f"{self.url}/upload",
            "U_KEY": U_KEY,
            "A_URL": f"{self.url}/analytics",
            "A_KEY": A_KEY,
            "DICOM_PARTNER_BACKOFF_SECONDS": "0.05",
            **more,
        }

    def of(self, service: str) -> list[Asked]:
        """Return the requests that one service had."""
        with self.lock:
            return [one for one in self.asked if one.service == service]

    def digests(self) -> list[str]:
        """Return the SHA-256 of each file that was taken."""
        with self.lock:
            return [hashlib.sha256(content).hexdigest() for content in self.stored]

    def close(self) -> None:
        """Stop it, and whatever hangs."""
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_partner: PartnerServer

    def _answer(self) -> None:
        partner = self.server_partner
        split = urlsplit(self.path)
        service = split.path.strip("/")
        with partner.lock:
            cue = partner.cues[service].popleft() if partner.cues[service] else None
            partner.at_once += 1
            partner.most_at_once = max(partner.most_at_once, partner.at_once)
        try:
            self._handle(partner, service, dict(parse_qsl(split.query)), cue)
        finally:
            with partner.lock:
                partner.at_once -= 1

    def _handle(self, partner: PartnerServer, service: str, query: dict[str, str], cue: Cue | None) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        wanted = length if cue is None or cue.drop_after is None else min(length, cue.drop_after)
        body = self.rfile.read(wanted) if partner.keeps_content else self._passed(wanted)
        if partner.keeps_content and len(body) < wanted:
            self.close_connection = True
            return  # the client broke off
        asked = Asked(
            self.command, urlsplit(self.path).path, query, dict(self.headers.items()), body, service
        )
        with partner.lock:
            partner.asked.append(asked)
        if wait := max(partner.takes_seconds, cue.hang if cue is not None else 0):
            partner.closed.wait(wait)
        if cue is not None and cue.drop_after is not None:
            self.close_connection = True
            self.connection.close()
            return
        self._reply(partner, service, body, cue or self._usual(partner, service, body))

    def _usual(self, partner: PartnerServer, service: str, body: bytes) -> Cue:
        if service == "metadata":
            return Cue(body=json.dumps(partner.metadata).encode())
        if service == "upload" and partner.refuses_duplicates and body in partner.stored:
            return Cue(409, b"Already Stored")
        return Cue()

    def _reply(self, partner: PartnerServer, service: str, body: bytes, cue: Cue) -> None:
        if service == "upload" and 200 <= cue.status < 300:
            with partner.lock:
                partner.stored.append(body)
        self.send_response(cue.status)
        for name, value in cue.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in cue.headers:
            self.send_header("Content-Length", str(len(cue.body)))
        self.end_headers()
        self.wfile.write(cue.body)

    def _passed(self, length: int) -> bytes:
        digest = hashlib.sha256()
        while length:
            piece = self.rfile.read(min(length, 1024 * 1024))
            if not piece:
                break
            digest.update(piece)
            length -= len(piece)
        return digest.hexdigest().encode()

    do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def a_partner(metadata: Mapping[str, Any] | None = None) -> Iterator[PartnerServer]:
    """Open a partner, and close it after."""
    partner = PartnerServer(metadata)
    try:
        yield partner
    finally:
        partner.close()
