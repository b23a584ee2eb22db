"""Queue output bindings: what a function returned becomes messages; HTTP answers are not its business."""

from __future__ import annotations

import base64
import json
import logging
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.storage.queue.aio import QueueClient

    from localhost.bindings import Function
    from localhost.protos import InvocationResponse, TypedData

_log = logging.getLogger("localhost")


class QueueOutputs:
    """Writes the queue outputs of every function of the app."""

    def __init__(self, open_queue: Callable[[dict[str, Any], str], QueueClient], *, encode: bool) -> None:
        self._open_queue = open_queue
        self._encode = encode
        self._queues: dict[tuple[str, str], QueueClient] = {}
        self._wake: dict[str, list[Callable[[], None]]] = {}

    def register(self, function: Function) -> None:
        """Open the queues of a function's outputs.

        Raises:
            StartError: A name or connection needs a setting that is missing.
        """
        for binding in function.outputs:
            if binding["type"] == "queue":
                queue = self._open_queue(binding, f"function {function.name}")
                self._queues[function.name, binding["name"]] = queue

    def on_write(self, queue: str, wake: Callable[[], None]) -> None:
        """Call `wake` after each write to the queue of that name."""
        self._wake.setdefault(queue, []).append(wake)

    async def write(self, function: Function, answer: InvocationResponse) -> bool:
        """Write what a function put out, and tell whether all of it was written."""
        values = {item.name: item.data for item in answer.output_data}
        values["$return"] = answer.return_value
        for binding in function.outputs:
            queue, value = self._queues.get((function.name, binding["name"])), values.get(binding["name"])
            if queue is None or value is None:
                continue
            try:
                await self._send(queue, messages(value))
            except AzureError as error:
                _log.error(
                    "%s: queue %s cannot be written: %s",
                    function.name,
                    queue.queue_name,
                    type(error).__name__,
                )
                return False
        return True

    async def _send(self, queue: QueueClient, contents: list[bytes]) -> None:
        for content in contents:
            text = (
                base64.b64encode(content).decode("ascii")
                if self._encode
                else content.decode(errors="replace")
            )
            try:
                await queue.send_message(text)
            except ResourceNotFoundError:
                await queue.create_queue()
                await queue.send_message(text)
        for wake in self._wake.get(queue.queue_name, []):
            wake()


def messages(value: TypedData) -> list[bytes]:
    """Split an output into messages: a JSON array gives one per item, anything else is one."""
    if value.kind == "bytes":
        return [bytes(value.value)]
    if value.kind != "json":
        return [str(value.value).encode()]
    content = json.loads(value.value)
    items = content if isinstance(content, list) else [content]
    return [(item if isinstance(item, str) else json.dumps(item)).encode() for item in items]
