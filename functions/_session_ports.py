"""What the triggers of upload sessions share: the ports of their flows."""

from functions._risk_limit import risk_policy
from shared.flows._session_ports import SessionLimits, SessionPorts
from shared.flows.store_case import Admission
from shared.flows.store_instances import StorePorts
from shared.ports.jobs import Job
from shared.services.services import Services


def session_ports(services: Services) -> SessionPorts:
    """Return what upload sessions need, out of the *services* of their data partition."""
    settings = services.settings
    return SessionPorts(
        store=StorePorts(
            objects=services.objects,
            index=services.index,
            ledger=services.ledger,
            cases=services.cases,
            queue=services.queue,
            container=settings.archive_container,
            partition=services.partition,
            risk=risk_policy(settings),
        ),
        jobs=services.jobs,
        sessions=services.sessions,
        targets=services.upload_targets,
        work=services.session_work,
        container=settings.sessions_container,
        admission=Admission(
            settings.store_sop_classes,
            settings.store_transfer_syntaxes,
            needs_patient_id=settings.store_patient_id == "required",
        ),
        duplicates=settings.duplicates,
        limits=SessionLimits(settings.max_session_files, settings.max_session_bytes, settings.session_hours),
    )


async def ports_of(job: Job, services: Services) -> SessionPorts:
    """Return the ports of the data partition that a session is of."""
    return session_ports(await services.in_partition(job.partition))
