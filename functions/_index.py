"""What the triggers of blob events share: the calls of flows that look at objects."""

from functions import _wiring
from functions._risk_limit import risk_policy
from shared.flows.index_instance import CasePatterns, IndexPorts, index_instance
from shared.records import ObjectKey
from shared.services.services import Services


async def look_at(key: ObjectKey) -> None:
    """Index the object *key* as it is now."""
    await index_instance(key, index_ports(await _wiring.services()))


def index_ports(services: Services) -> IndexPorts:
    """Return what indexing an object needs, out of *services*."""
    settings = services.settings
    return IndexPorts(
        objects=services.objects,
        index=services.index,
        ledger=services.ledger,
        cases=services.cases,
        queue=services.queue,
        risk=risk_policy(settings),
        archive_container=settings.archive_container,
        rejected_container=settings.rejected_container,
        derived_container=settings.derived_container,
        partition=services.partition,
        case_patterns=CasePatterns(
            settings.case_year_pattern, settings.case_id_pattern, settings.case_view_pattern
        ),
    )
