"""Find and delete what is held in quarantine of a study, series or instance. It puts nothing there."""

from shared.errors import ObjectNotFoundError
from shared.flows._archive_key import archive_prefix, instance_of
from shared.flows._records import Ref, contains
from shared.ports.archive import ObjectStore


async def delete_quarantined(ref: Ref, container: str, partition: str, objects: ObjectStore) -> int:
    """Delete what was kept out for its risk and held under the name it would have had; return how much that was.

    Args:
        ref: Whose.
        container: The quarantine's; without one, or a name of one, nothing is held.
        partition: The data partition.
        objects: Where it lies.
    """
    if not container:
        return 0
    count = 0
    try:
        async for info in objects.scan(container, prefix=archive_prefix(partition, ref)):
            instance = instance_of(info.key)
            if instance is not None and contains(ref, instance):
                await objects.delete(info.key, if_match=info.etag)
                count += 1
    except ObjectNotFoundError:  # without the container there is nothing in it
        return 0
    return count
