"""Read instances as they are stored. Nothing is transcoded, and no more is held than what is read ahead."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from shared.flows._instance_bytes import stream_bytes
from shared.flows.retrieve_instances import FoundInstance
from shared.ports.archive import ObjectStore
from shared.records import ObjectLocation
from shared.telemetry.tracing import flow

_READ_AHEAD: Final = 8
_READ_AHEAD_LENGTH: Final = 1024 * 1024
"""Instances up to so many bytes are read before their turn comes; larger ones keep the line busy by themselves."""


@flow
async def read_instances(
    instances: Sequence[FoundInstance], *, objects: ObjectStore
) -> AsyncIterator[tuple[FoundInstance, AsyncIterator[bytes]]]:
    """Yield each instance with its content, which can be read until the next one is asked for.

    Small ones are read ahead of their turn, so that a series does not take as many waits as it has instances.

    Raises:
        ObjectNotFoundError: An object was deleted since it was indexed.
        ObjectChangedError: One was replaced.
    """
    ahead: dict[int, asyncio.Task[bytes]] = {}
    try:
        for position, instance in enumerate(instances):
            for near in range(position, min(position + _READ_AHEAD, len(instances))):
                if near not in ahead and instances[near].location.length <= _READ_AHEAD_LENGTH:
                    ahead[near] = asyncio.create_task(_read_whole(objects, instances[near].location))
            task = ahead.pop(position, None)
            content = stream_bytes(objects, instance.location) if task is None else _once(task)
            yield instance, content
    finally:
        for task in ahead.values():
            task.cancel()


async def _read_whole(objects: ObjectStore, location: ObjectLocation) -> bytes:
    return b"".join([chunk async for chunk in stream_bytes(objects, location)])


async def _once(task: asyncio.Task[bytes]) -> AsyncIterator[bytes]:
    yield await task
