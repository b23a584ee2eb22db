"""Read bytes of one instance as it is stored."""

from collections.abc import AsyncIterator

from shared.flows._instance_bytes import stream_bytes
from shared.flows.retrieve_instances import FoundInstance
from shared.ports.archive import ObjectStore


def read_instance(
    instance: FoundInstance, start: int, end: int, *, objects: ObjectStore
) -> AsyncIterator[bytes]:
    """Yield the bytes [start, end) of an instance, counted from its own first byte.

    Raises:
        ObjectNotFoundError: Its object was deleted since it was indexed.
        ObjectChangedError: It was replaced.
    """
    return stream_bytes(objects, instance.location, start, end)
