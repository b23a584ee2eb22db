"""Makes the listeners and routes of an app's functions; it starts none of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from localhost.blob_function import BlobFunction
from localhost.blob_paths import BlobPath
from localhost.blob_retries import POISON_QUEUE, BlobRetries
from localhost.blob_trigger import BlobScanner
from localhost.cron import Schedule, parse_schedule
from localhost.errors import StartError
from localhost.queue_trigger import queue_trigger
from localhost.receipts import Receipts
from localhost.routing import Router, compile_route
from localhost.settings import expand
from localhost.storage import HOSTS_CONTAINER, Storage, ensure_container
from localhost.timer_trigger import TimerTrigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.storage.queue.aio import QueueClient

    from localhost.bindings import Function
    from localhost.invoker import Invoker
    from localhost.options import Options
    from localhost.outputs import QueueOutputs
    from localhost.settings import HostJson


class Listener(Protocol):
    """What watches for a trigger's events."""

    async def start(self) -> None:
        """Begin to watch."""

    async def stop(self, grace: float) -> None:
        """Watch no more and let what is in flight end within `grace` seconds."""


class Wiring:
    """Reads each trigger's settings and makes what serves it."""

    def __init__(
        self,
        options: Options,
        environ: Mapping[str, str],
        host_json: HostJson,
        host_id: str,
        storage: Storage,
    ) -> None:
        self._options = options
        self._environ = environ
        self._host_json = host_json
        self._host_id = host_id
        self._storage = storage
        self._queue_options = host_json.queues(options.lease)

    def open_queue(self, binding: dict[str, Any], where: str) -> QueueClient:
        """Open the queue that a binding names.

        Raises:
            StartError: Its name or connection needs a setting that is missing.
        """
        name = expand(str(binding["queueName"]), self._environ, where)
        return self._storage.queue(binding.get("connection"), name, where)

    def router(self, functions: list[Function]) -> Router:
        """Compile the routes of the HTTP functions.

        Raises:
            StartError: A route cannot be read.
        """
        prefix = self._host_json.route_prefix
        routes = []
        for function in functions:
            if function.kind == "httpTrigger":
                template = function.trigger.get("route")
                template = (
                    function.name
                    if template is None
                    else expand(template, self._environ, f"function {function.name}")
                )
                methods = [str(method) for method in function.trigger.get("methods") or []]
                routes.append(compile_route(f"{prefix}/{template.strip('/')}", function, methods or None))
        return Router(routes)

    async def listeners(
        self, functions: list[Function], invoker: Invoker, outputs: QueueOutputs
    ) -> list[Listener]:
        """Make a listener for every function that no HTTP request triggers.

        Raises:
            StartError: A setting, schedule or path cannot be read, or storage cannot be reached.
        """
        listeners: list[Listener] = []
        if any(self._needs_hosts_container(function) for function in functions):
            await ensure_container(self._storage.container(None, HOSTS_CONTAINER, "the host"))
        retries: BlobRetries | None = None
        for function in functions:
            if function.kind == "queueTrigger":
                listeners.append(self._queue(function, invoker, outputs))
            elif function.kind == "timerTrigger":
                listeners.append(self._timer(function, invoker))
            elif function.kind == "blobTrigger":
                if retries is None:
                    retries = self._blob_retries()
                    listeners.append(retries)
                listeners.append(self._blob(function, invoker, retries))
        return listeners

    def _needs_hosts_container(self, function: Function) -> bool:
        if function.kind == "timerTrigger":
            return _is_remembered(function, self._schedule(function))
        return function.kind == "blobTrigger"

    def _queue(self, function: Function, invoker: Invoker, outputs: QueueOutputs) -> Listener:
        where = f"function {function.name}"
        queue = self.open_queue(function.trigger, where)
        poison = self._storage.queue(function.trigger.get("connection"), f"{queue.queue_name}-poison", where)
        listener = queue_trigger(function, queue, poison, self._queue_options, invoker)
        outputs.on_write(queue.queue_name, listener.wake)
        return listener

    def _schedule(self, function: Function) -> Schedule:
        where = f"function {function.name}"
        text = expand(str(function.trigger["schedule"]), self._environ, where)
        try:
            return parse_schedule(text)
        except ValueError as error:
            raise StartError(f"{where}: schedule {text!r}: {error}") from error

    def _timer(self, function: Function, invoker: Invoker) -> Listener:
        schedule = self._schedule(function)
        status = None
        if _is_remembered(function, schedule):
            hosts = self._storage.container(None, HOSTS_CONTAINER, "the host")
            status = hosts.get_blob_client(f"timers/{self._host_id}/{function.name}/status")
        return TimerTrigger(function, schedule, status, invoker)

    def _blob_retries(self) -> BlobRetries:
        queue = self._storage.queue(None, f"azure-webjobs-blobtrigger-{self._host_id}", "the host")
        poison = self._storage.queue(None, POISON_QUEUE, "the host")
        threshold = self._host_json.blobs().poison_blob_threshold
        return BlobRetries(queue, poison, self._queue_options, threshold)

    def _blob(self, function: Function, invoker: Invoker, retries: BlobRetries) -> Listener:
        where, connection = f"function {function.name}", function.trigger.get("connection")
        try:
            path = BlobPath(expand(str(function.trigger["path"]), self._environ, where))
        except ValueError as error:
            raise StartError(f"{where}: {error}") from error
        container = self._storage.container(connection, path.container, where)
        setting = self._storage.setting(connection, where)
        runner = BlobFunction(function, path, container, setting, invoker)
        retries.register(runner)
        hosts = self._storage.container(None, HOSTS_CONTAINER, "the host")
        receipts = Receipts(hosts, self._host_id, function.name)
        parallelism = self._host_json.blobs().max_degree_of_parallelism
        return BlobScanner(runner, receipts, retries, self._options.scan_interval, parallelism)


def _is_remembered(function: Function, schedule: Schedule) -> bool:
    # As in Azure, a timer that fires more than once a minute is not caught up on after a pause.
    if function.trigger.get("useMonitor") is False:
        return False
    first = schedule.next_after(datetime.now(UTC))
    return schedule.next_after(first) - first >= timedelta(minutes=1)
