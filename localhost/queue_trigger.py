"""Queue triggers: a listener per function, and what the function is told of a message."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from localhost.protos import TypedData
from localhost.queue_listener import QueueListener

if TYPE_CHECKING:
    from datetime import datetime

    from azure.storage.queue import QueueMessage
    from azure.storage.queue.aio import QueueClient

    from localhost.bindings import Function
    from localhost.invoker import Invoker
    from localhost.settings import QueueOptions


def queue_trigger(
    function: Function, queue: QueueClient, poison: QueueClient, options: QueueOptions, invoker: Invoker
) -> QueueListener:
    """Make the listener of a function on a queue; messages that it fails too often go to `poison`."""
    binary = str(function.trigger.get("dataType", "")).upper() == "BINARY"

    async def handle(message: QueueMessage, content: bytes) -> bool:
        data = _typed(content, binary=binary)
        return await invoker.run(function, data, _metadata(message, data))

    return QueueListener(queue, poison, options, handle)


def _typed(content: bytes, *, binary: bool) -> TypedData:
    if binary:
        return TypedData(bytes=content)
    try:
        return TypedData(string=content.decode())
    except UnicodeDecodeError:
        return TypedData(bytes=content)


def _metadata(message: QueueMessage, data: TypedData) -> dict[str, TypedData]:
    return {
        "QueueTrigger": data,
        "Id": TypedData(string=message.id),
        "DequeueCount": TypedData(json=str(message.dequeue_count or 1)),
        "PopReceipt": TypedData(string=message.pop_receipt),
        "InsertionTime": _time(message.inserted_on),
        "ExpirationTime": _time(message.expires_on),
        "NextVisibleTime": _time(message.next_visible_on),
    }


def _time(moment: datetime | None) -> TypedData:
    return TypedData(json=json.dumps(moment.isoformat() if moment is not None else None))
