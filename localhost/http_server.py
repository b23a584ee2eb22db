"""The public HTTP server: finds who answers a request; answering is done elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from importlib import metadata
from typing import TYPE_CHECKING, Protocol

import uvicorn

from localhost.asgi import HttpCall, answer
from localhost.errors import StartError
from localhost.logs import quieten_uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localhost.asgi import Receive, Scope, Send
    from localhost.routing import Router
    from localhost.static_files import StaticFolders

_GRACE_SECONDS = 2
_KEEP_ALIVE_SECONDS = 130


class HttpFunctions(Protocol):
    """What answers requests by functions: streamed or whole."""

    async def serve(self, call: HttpCall) -> None:
        """Answer one request."""

    def close(self) -> None:
        """Let go of what is kept open."""


class FrontDoor:
    """The ASGI app: the host's own paths, static folders, functions, and a folder at `/` last."""

    def __init__(
        self, router: Router, functions: HttpFunctions, folders: StaticFolders, host_id: str
    ) -> None:
        self._router = router
        self._functions = functions
        self._folders = folders
        version = f"localhost+{metadata.version('azure-functions-runtime')}"
        self._status = json.dumps({"id": host_id, "state": "Running", "version": version})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of ASGI scope never come, since the server has them switched off."""
        path: str = scope["path"]
        if path.lower() == "/admin/host/status" and scope["method"] == "GET":
            await answer(send, 200, self._status, "application/json")
            return
        mount = self._folders.find(path, root=False)
        if mount is None:
            found = self._router.find(scope["method"], scope["raw_path"])
            if found is not None:
                await self._functions.serve(HttpCall(scope, receive, send, *found))
                return
            mount = self._folders.find(path, root=True)
        if mount is not None:
            await self._folders.serve(scope, send, mount)
        else:
            await answer(send, 404, "")


class _Server(uvicorn.Server):
    """A server that leaves the signals to the host and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class HttpServer:
    """Listens for clients and runs the front door."""

    def __init__(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # asyncio switches Nagle's delay (40 ms on each answer) off only where the protocol is named.
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            raise StartError(
                f"cannot listen on {host} port {port}: {error.strerror}; choose another --port"
            ) from error
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self._socket.getsockname()[1]}"
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, app: FrontDoor) -> None:
        """Begin to answer."""
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        quieten_uvicorn()
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Take no new requests and give those in flight a short time to end."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task
        self._socket.close()
