"""Delete the one object of a name that its caller chose, and let the archive forget what it held."""

from shared.flows._chosen_key import check_chosen_name, staging_key
from shared.flows.index_instance import IndexPorts, index_instance
from shared.records import ObjectKey
from shared.telemetry.tracing import flow


@flow
async def delete_file(key: ObjectKey, ports: IndexPorts) -> None:
    """Delete an object as it is now, what a killed replacement left of it, and what is held of it in quarantine.

    Where another object holds the same instance, that one serves from now on.

    Raises:
        InvalidRequestError: The name is none.
        ObjectNotFoundError: There is no such object.
        ObjectChangedError: It was replaced at this very moment; what it is now stays.
    """
    check_chosen_name(key.name)
    info = await ports.objects.head(key)
    if ports.derived_container:
        await ports.objects.delete(staging_key(ports.derived_container, key))
    if ports.risk.quarantine is not None:
        await ports.objects.delete(ObjectKey(ports.risk.quarantine, str(key)))
    try:
        await ports.objects.delete(key, if_match=info.etag)
    finally:
        await index_instance(key, ports)
