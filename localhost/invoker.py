"""One way to run a function and write its outputs, for every trigger; retrying is the trigger's business."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import TYPE_CHECKING, Any

from localhost import protos

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localhost.bindings import Function
    from localhost.outputs import QueueOutputs
    from localhost.worker import Worker

_log = logging.getLogger("localhost")
_REQUEST_GRACE = 5.0


class Invoker:
    """Runs functions in the worker and hands what they return to the output bindings."""

    def __init__(self, worker: Worker, outputs: QueueOutputs) -> None:
        self._worker = worker
        self._outputs = outputs
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(
        self, function: Function, data: protos.TypedData, metadata: Mapping[str, protos.TypedData]
    ) -> bool:
        """Run a function that no client waits for, log the outcome, and tell whether it succeeded."""
        started = time.perf_counter()
        answer = await self._invoke(function, str(uuid.uuid4()), data, metadata, "")
        elapsed = (time.perf_counter() - started) * 1000
        if answer is None or answer.result.status != protos.StatusResult.Success:
            log_failure(function.name, elapsed, answer)
            return False
        _log.info("%s ok %.0f ms", function.name, elapsed)
        return True

    async def _invoke(
        self,
        function: Function,
        invocation_id: str,
        data: protos.TypedData,
        metadata: Mapping[str, protos.TypedData],
        trace_parent: str,
    ) -> protos.InvocationResponse | None:
        answer = await self._worker.invoke(function, invocation_id, data, metadata, trace_parent)
        if (
            function.outputs
            and answer.result.status == protos.StatusResult.Success
            and not await self._outputs.write(function, answer)
        ):
            return None
        return answer

    def start_http(
        self, function: Function, invocation_id: str, data: protos.TypedData, trace_parent: str
    ) -> asyncio.Task[protos.InvocationResponse | None]:
        """Begin the invocation that belongs to an HTTP request; the task is kept until it is done."""
        task = asyncio.create_task(self._invoke(function, invocation_id, data, {}, trace_parent))
        self._tasks.add(task)

        def on_done(done: asyncio.Task[Any]) -> None:
            self._tasks.discard(done)
            if not done.cancelled() and done.exception() is not None:
                _log.error("%s died: %r", function.name, done.exception())

        task.add_done_callback(on_done)
        return task

    def mourn(self, invocation_id: str, error: Exception) -> None:
        """Unblock the worker's side of a request whose invocation died before the request came."""
        self._worker.forget(invocation_id, error)

    def reap(self, invocation_id: str, task: asyncio.Task[Any]) -> None:
        """Cancel an invocation whose HTTP request never reached the worker, because the client left too early."""

        def check() -> None:
            if not task.done() and not self._worker.request_arrived(invocation_id):
                task.cancel()

        asyncio.get_running_loop().call_later(_REQUEST_GRACE, check)

    async def stop(self) -> None:
        """Cancel HTTP invocations that still run."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=0.5)


def log_failure(name: str, elapsed: float, answer: protos.InvocationResponse | None) -> None:
    """Log why a function failed, in one line; its traceback follows at level INFO. `elapsed` is in milliseconds."""
    error = answer.result.exception if answer is not None else None
    reason = error.message if error is not None else "an output could not be written"
    _log.error("%s failed after %.0f ms: %s", name, elapsed, str(reason).partition("\n")[0])
    if error is not None:
        _log.info("%s", str(error.stack_trace).rstrip())
