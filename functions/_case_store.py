"""What the triggers that store cases share: the ports of the flow."""

from functions._risk_limit import risk_policy
from shared.flows.store_case import Admission, CaseStorePorts
from shared.services.services import Services


def store_ports(services: Services) -> CaseStorePorts:
    """Return what storing a case needs, out of *services*."""
    return CaseStorePorts(
        objects=services.objects,
        index=services.index,
        ledger=services.ledger,
        cases=services.cases,
        sessions=services.case_sessions,
        reports=services.reports,
        queue=services.queue,
        container=services.settings.archive_container,
        partition=services.partition,
        admission=Admission(services.settings.store_sop_classes, services.settings.store_transfer_syntaxes),
        risk=risk_policy(services.settings),
        derived_container=services.settings.derived_container,
    )
