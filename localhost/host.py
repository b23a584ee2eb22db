"""The life of the host: start everything in order, wait for a signal, stop within five seconds."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from typing import TYPE_CHECKING

from localhost.bindings import Function, read_functions
from localhost.classic_http import ClassicHttp
from localhost.http_server import FrontDoor, HttpFunctions, HttpServer
from localhost.invoker import Invoker
from localhost.outputs import QueueOutputs
from localhost.proxy import StreamingProxy
from localhost.settings import HostJson, apply_local_settings, body_limit, host_id, is_disabled
from localhost.static_files import StaticFolders
from localhost.storage import Storage
from localhost.wiring import Wiring
from localhost.worker import Worker

if TYPE_CHECKING:
    from types import FrameType

    from localhost.options import Options
    from localhost.wiring import Listener

_log = logging.getLogger("localhost")
_GRACE_SECONDS = 2.0
_STOP_SECONDS = 4.5


class Host:
    """One app, served until it is told to stop."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._listeners: list[Listener] = []
        self._http: HttpServer | None = None
        self._functions: HttpFunctions | None = None
        self._invoker: Invoker | None = None
        self._storage: Storage | None = None
        self._worker = Worker(options.app)
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Serve the app until SIGINT or SIGTERM; a second signal ends the process at once.

        Raises:
            StartError: The app cannot be started as it is.
        """
        _on_signals(self._stop, asyncio.get_running_loop())
        try:
            starting = asyncio.create_task(self._start())
            stopping = asyncio.create_task(self._stop.wait())
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await stopping
            else:
                starting.cancel()
                await asyncio.wait({starting})
        finally:
            _log.info("stopping")
            try:
                await asyncio.wait_for(self._shut_down(), _STOP_SECONDS)
            except TimeoutError:
                _log.warning("not everything ended in time; leases end by themselves")

    async def _start(self) -> None:
        options = self._options
        apply_local_settings(options.settings or options.app / "local.settings.json", os.environ)
        os.chdir(options.app)
        host_json = HostJson(options.app / "host.json", os.environ)
        identity = host_id(options.host_id, os.environ, options.app)
        limit = body_limit(os.environ)
        self._http = HttpServer(options.host, options.port)
        self._storage = Storage(os.environ)
        wiring = Wiring(options, os.environ, host_json, identity, self._storage)

        functions = self._enabled(await self._worker.start())
        outputs = QueueOutputs(wiring.open_queue, encode=host_json.queues(options.lease).base64)
        for function in functions:
            outputs.register(function)
        self._invoker = Invoker(self._worker, outputs)
        address = self._worker.http_address
        self._functions = (
            StreamingProxy(self._invoker, address, limit) if address else ClassicHttp(self._invoker, limit)
        )
        router = wiring.router(functions)
        for listener in await wiring.listeners(functions, self._invoker, outputs):
            await listener.start()
            self._listeners.append(listener)
        await self._http.start(FrontDoor(router, self._functions, StaticFolders(options.static), identity))
        # What is loaded by now stays; not tracing it again makes each collection cheaper.
        gc.collect()
        gc.freeze()
        _log.info(
            "host id %s, %d functions: %s",
            identity,
            len(functions),
            ", ".join(item.name for item in functions),
        )
        print(f"localhost: ready {self._http.url}", flush=True)

    def _enabled(self, metadata: list[object]) -> list[Function]:
        for item in metadata:
            if getattr(item, "retry_options", None) is not None:
                _log.warning(
                    "%s: its retry policy is ignored; queues and blobs retry anyway",
                    getattr(item, "name", "?"),
                )
        functions = read_functions(metadata)
        off = [function.name for function in functions if is_disabled(function.name, os.environ)]
        if off:
            _log.info("disabled by settings: %s", ", ".join(off))
        return [function for function in functions if function.name not in off]

    async def _shut_down(self) -> None:
        stops = [listener.stop(_GRACE_SECONDS) for listener in self._listeners]
        if self._http is not None:
            stops.append(self._http.stop())
        for result in await asyncio.gather(*stops, return_exceptions=True):
            if isinstance(result, BaseException):
                _log.warning("while stopping: %s: %s", type(result).__name__, result)
        if self._functions is not None:
            self._functions.close()
        if self._invoker is not None:
            await self._invoker.stop()
        await self._worker.stop()
        if self._storage is not None:
            await self._storage.close()


def _on_signals(stop: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    # Plain handlers, not those of the loop: a second signal must work though the app blocks the loop.
    asked = False

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            os._exit(128 + number)
        asked = True
        loop.call_soon_threadsafe(stop.set)

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)
