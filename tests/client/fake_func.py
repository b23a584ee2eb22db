"""A stand-in for Core Tools' `func`: answers what a start asks for, misbehaves when told to; indexes nothing.

FAKE_SEARCHES holds the answers to successive searches; the last one repeats. FAKE_FUNC is empty, crash or stubborn.
"""

import itertools
import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

PORT = int(sys.argv[sys.argv.index("--port") + 1])
BEHAVIOUR = os.environ["FAKE_FUNC"]
SEARCHES = json.loads(os.environ["FAKE_SEARCHES"])
ANSWERS = itertools.chain(SEARCHES, itertools.repeat(SEARCHES[-1]))


class Handler(BaseHTTPRequestHandler):
    """Answers a search, /health, /environment with its environment, and /die by dying; keeps what is put."""

    kept: ClassVar[dict[str, str]] = {}

    def do_PUT(self) -> None:
        """Keep a body, to be read from where it was put."""
        self.kept[self.path] = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(201)
        self.end_headers()

    def do_GET(self) -> None:
        """Answer one request."""
        if self.path == "/die":
            os._exit(3)
        answer = (
            next(ANSWERS) if self.path == "/dicomweb/studies" else self.kept.get(self.path, dict(os.environ))
        )
        self.send_response(404 if answer is None else 200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())


def main() -> None:
    """Serve until SIGTERM, as *BEHAVIOUR* says."""
    if BEHAVIOUR == "crash":
        sys.exit("fake func cannot start")
    handler = signal.SIG_IGN if BEHAVIOUR == "stubborn" else signal.SIG_DFL
    signal.signal(signal.SIGTERM, handler)
    ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()


main()
