"""Report what a stored instance or a file in hand tells of its patient."""

from functools import partial
from typing import Any

from shared.dicom.references import InstanceRef
from shared.dicom.risk.report import risk_report
from shared.flows._posted_header import posted_header
from shared.flows._stored_header import stored_header
from shared.pixels.cpu_pool import in_cpu_pool
from shared.ports.archive import InstanceIndex, ObjectStore
from shared.telemetry.tracing import flow


@flow
async def assess_risk(
    subject: InstanceRef | bytes, *, objects: ObjectStore, index: InstanceIndex
) -> dict[str, Any]:
    """Return every finding with its place and reason, see shared.dicom.risk.report; never a value.

    Args:
        subject: An instance of the archive, or the file itself.
        objects: Where instances lie.
        index: Which knows where.

    Raises:
        InstanceNotFoundError: There is no such instance.
        RejectedInstanceError: The file is no DICOM file, or damaged.
    """
    if isinstance(subject, bytes):
        header = await posted_header(subject)
    else:
        header = await stored_header(subject, objects=objects, index=index)
    return await in_cpu_pool(partial(risk_report, header))
