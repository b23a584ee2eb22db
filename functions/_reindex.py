"""What the triggers of reconciling share: the ports of the flow."""

from functions import _wiring
from functions._case_store import store_ports
from functions._index import index_ports
from functions._search_update import update_ports
from shared.flows.reindex import PartitionPorts, ReindexPorts


async def reindex_ports() -> ReindexPorts:
    """Return what reconciling all data partitions needs."""
    services = await _wiring.services()
    settings = services.settings

    async def of(partition: str) -> PartitionPorts:
        bound = await services.in_partition(partition)
        return PartitionPorts(
            name=partition,
            watched=settings.watched_containers if partition == services.partition else (),
            indexing=index_ports(bound),
            storing=store_ports(bound),
            summaries=bound.summaries,
            search=bound.search,
            studies=bound.risks,
            searching=update_ports(services),
        )

    return ReindexPorts(
        objects=services.objects,
        checkpoints=services.checkpoints,
        partitions=services.partitions,
        archive_container=settings.archive_container,
        default=services.partition,
        of=of,
    )
