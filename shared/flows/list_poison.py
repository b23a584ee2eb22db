"""List the messages that were given up and kept."""

from typing import Any

from shared.flows._kept_poison import FOLDER, read
from shared.ports.archive import ObjectStore
from shared.records import ObjectKey
from shared.telemetry.tracing import flow

_MAX_BYTES = 1024 * 1024
"""A message of a storage queue has 64 KiB."""


@flow
async def list_poison(
    objects: ObjectStore, container: str, *, queue: str = "", after: str = "", limit: int
) -> list[dict[str, Any]]:
    """Return what is told of each kept message, with its *name*, in the order of queues and of time.

    Args:
        objects: Where they are kept.
        container: In which container.
        queue: Of this queue alone.
        after: The name of the last one that was seen.
        limit: How many at most.
    """
    prefix = f"{FOLDER}/{queue}/" if queue else f"{FOLDER}/"
    listed: list[dict[str, Any]] = []
    async for info in objects.scan(container, prefix=prefix, after=after and f"{FOLDER}/{after}"):
        if len(listed) >= limit:
            break
        found = await objects.read_range(info.key, 0, _MAX_BYTES)
        listed.append({"name": _name(info.key)} | read(found.data)[2])
    return listed


def _name(key: ObjectKey) -> str:
    return key.name.removeprefix(f"{FOLDER}/")
