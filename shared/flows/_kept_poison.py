"""How a message that was given up is kept as an object. Reads and writes none."""

import base64
from datetime import UTC, datetime
from typing import Any, Final

from shared.ports.poison import PoisonMessage
from shared.records import ObjectKey

FOLDER: Final = "_poison"
"""No container of objects can have this name, so nothing else in the container of rejected ones begins with it."""


def poison_key(container: str, message: PoisonMessage) -> ObjectKey:
    """Return where a message is kept: by its queue, and in the order in which messages were given up."""
    moment = message.inserted_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S")
    return ObjectKey(container, f"{FOLDER}/{message.queue}/{moment}-{message.message_id}.json")


def written(message: PoisonMessage, reason: str, now: datetime) -> bytes:
    """Return the JSON that keeps a message, readable where it is text and exact in any case."""
    import orjson

    content: dict[str, Any] = {
        "queue": message.queue,
        "message_id": message.message_id,
        "given_up_at": message.inserted_at,
        "drained_at": now,
        "reason": reason,
        "replayable": True,
        "message": message.content.decode(errors="replace"),
        "content": base64.b64encode(message.content).decode(),
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2)


def read(data: bytes) -> tuple[str, bytes, dict[str, Any]]:
    """Return the queue and the content of a kept message, and what is told of it."""
    import orjson

    found = orjson.loads(data)
    content = base64.b64decode(found.pop("content"))
    return str(found["queue"]), content, found
