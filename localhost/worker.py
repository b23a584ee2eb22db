"""Microsoft's Python worker, driven in this process; it knows no trigger and no storage."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from importlib import metadata
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from localhost import protos
from localhost.errors import StartError
from localhost.logs import quieten_uvicorn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localhost.bindings import Function

TESTED_RUNTIME = "1.3.0"
_log = logging.getLogger("localhost")


class Worker:
    """The worker of one app; there can be one per process, since the runtime's state is global."""

    def __init__(self, app: Path) -> None:
        self._app = app
        self._runtime: Any = None
        self._coordinator: Any = None
        self._http_server: Any = None
        self.http_address: tuple[str, int] | None = None

    async def start(self) -> list[Any]:
        """Index the app and start the worker's HTTP server where the app asks for streaming.

        Returns:
            The runtime's metadata of each function.

        Raises:
            StartError: There is no function_app.py, or importing or indexing it failed.
        """
        if not (self._app / "function_app.py").is_file():
            raise StartError(f"{self._app}: holds no function_app.py; point --app at the app's folder")
        for folder in (self._app / ".python_packages/lib/site-packages", self._app):
            sys.path.insert(0, str(folder))
        import azure_functions_runtime as runtime

        self._runtime = runtime
        self._coordinator = release_context_references()
        runtime.start_threadpool_executor()
        handler_before = signal.getsignal(signal.SIGTERM)
        init = SimpleNamespace(capabilities={}, function_app_directory=str(self._app))
        properties = {"host": "127.0.0.1", "protos": protos}
        answer = await runtime.worker_init_request(_request(worker_init_request=init, properties=properties))
        _check(answer.result, "the app cannot be indexed")
        if "HttpUri" in answer.capabilities:
            await self._await_http(answer.capabilities["HttpUri"], handler_before)
        answer = await runtime.functions_metadata_request(_request())
        functions = answer.function_metadata_results or []
        for function in functions:
            load = SimpleNamespace(function_id=function.function_id)
            loaded = await runtime.function_load_request(_request(function_load_request=load))
            _check(loaded.result, f"function {function.name} cannot be loaded")
        return list(functions)

    async def _await_http(self, uri: str, handler_before: Any) -> None:
        parts = urlsplit(uri)
        self.http_address = (str(parts.hostname), int(parts.port or 80))
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection(*self.http_address)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            break
        else:
            raise StartError(f"the worker's HTTP server does not answer at {uri}")
        # uvicorn takes over the signals; the handler it installed is the one way to its server object.
        self._http_server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
        signal.signal(signal.SIGTERM, handler_before)
        signal.signal(signal.SIGINT, handler_before)
        quieten_uvicorn()

    async def invoke(
        self,
        function: Function,
        invocation_id: str,
        data: protos.TypedData,
        trigger_metadata: Mapping[str, protos.TypedData],
        trace_parent: str = "",
    ) -> protos.InvocationResponse:
        """Run one function once.

        Raises:
            Exception: Whatever the runtime lets through, when an HTTP invocation dies before its request came.
        """
        invocation = SimpleNamespace(
            function_id=function.function_id,
            invocation_id=invocation_id,
            input_data=[protos.ParameterBinding(function.parameter, data)],
            trigger_metadata=trigger_metadata,
            trace_context=SimpleNamespace(trace_parent=trace_parent, trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )
        answer = await self._runtime.invocation_request(_request(invocation_request=invocation))
        return cast("protos.InvocationResponse", answer)

    def request_arrived(self, invocation_id: str) -> bool:
        """Tell whether the worker's server has handed the runtime the HTTP request of an invocation."""
        if self._coordinator is None:
            return True
        reference = self._coordinator._context_references.get(invocation_id)  # noqa: SLF001 - guarded by version
        return reference is not None and reference.http_request_available_event.is_set()

    def forget(self, invocation_id: str, error: Exception) -> None:
        """Let an HTTP request whose invocation is dead end with an error, instead of waiting for ever."""
        if self._coordinator is None:
            return
        from azure_functions_runtime.http_v2 import AsyncContextReference

        references = self._coordinator._context_references  # noqa: SLF001 - guarded by version
        references.setdefault(invocation_id, AsyncContextReference()).http_response = error

    async def stop(self) -> None:
        """Stop the worker's HTTP server and its threads, without waiting for functions that still run."""
        if self._http_server is not None:
            # From here on it has nothing to say but that requests which the stop cut short were cut short.
            logging.getLogger("uvicorn.error").setLevel("CRITICAL")
            self._http_server.should_exit = True
            await asyncio.sleep(0.35)
            self._http_server.force_exit = True
        if self._runtime is not None:
            self._runtime.get_threadpool_executor().shutdown(wait=False, cancel_futures=True)


def release_context_references() -> Any:
    """Make the runtime drop its reference to an HTTP request once answered: 1.3.0 keeps 2 kB of each for ever.

    Returns:
        The runtime's coordinator, or None when the runtime is of another version and was left as it is.
    """
    version = metadata.version("azure-functions-runtime")
    if version != TESTED_RUNTIME:
        _log.warning(
            "azure-functions-runtime %s is not the tested %s: left unpatched", version, TESTED_RUNTIME
        )
        return None
    from azure_functions_runtime.http_v2 import HttpCoordinator, http_coordinator

    def pop_http_response(coordinator: Any, invocation_id: str) -> Any:
        response = coordinator._context_references.pop(invocation_id).http_response  # noqa: SLF001 - guarded by version
        if response is None:
            raise ValueError(f"No http response found for invocation {invocation_id}")
        return response

    HttpCoordinator._pop_http_response = pop_http_response  # noqa: SLF001 - guarded by version
    return http_coordinator


def _request(properties: dict[str, Any] | None = None, **message: Any) -> SimpleNamespace:
    return SimpleNamespace(request=SimpleNamespace(**message), properties=properties or {})


def _check(result: protos.StatusResult, what: str) -> None:
    if result.status == protos.StatusResult.Success:
        return
    error = result.exception
    trace = error.stack_trace if error is not None else "no reason given"
    raise StartError(f"{what}:\n{trace}")
