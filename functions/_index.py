"""What the triggers of blob events share: the call of the flow."""

from functions import _wiring
from shared.flows.index_instance import IndexPorts, index_instance
from shared.records import ObjectKey


async def look_at(key: ObjectKey) -> None:
    """Index the object *key* as it is now."""
    services = await _wiring.services()
    ports = IndexPorts(
        objects=services.objects,
        index=services.index,
        ledger=services.ledger,
        cases=services.cases,
        queue=services.queue,
        rejected_container=services.settings.rejected_container,
        archive_container=services.settings.archive_container,
    )
    await index_instance(key, ports)
