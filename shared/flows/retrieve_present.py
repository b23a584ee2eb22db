"""Tell which of the instances that were found can still be read."""

from collections.abc import Sequence
from typing import Final

from shared.errors import ObjectNotFoundError
from shared.flows._in_parallel import in_parallel
from shared.flows.retrieve_instances import FoundInstance
from shared.ports.archive import ObjectStore
from shared.telemetry.tracing import flow

_AT_ONCE: Final = 32


@flow
async def retrieve_present(
    instances: Sequence[FoundInstance], *, objects: ObjectStore
) -> list[FoundInstance]:
    """Return those of *instances* whose objects are as they were when they were indexed, by a request for each.

    Args:
        instances: Found in the index.
        objects: Where they lie.
    """

    async def is_present(instance: FoundInstance) -> bool:
        try:
            return (await objects.head(instance.location.key)).etag == instance.location.etag
        except ObjectNotFoundError:
            return False

    present = await in_parallel(is_present, instances, limit=_AT_ONCE)
    return [instance for instance, there in zip(instances, present, strict=True) if there]
