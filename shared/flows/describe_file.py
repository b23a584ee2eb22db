"""Describe every attribute of a stored instance or of a file in hand."""

from functools import partial
from typing import Any

from shared.dicom.describe import describe
from shared.dicom.references import InstanceRef
from shared.dicom.tag_names import KeyScheme
from shared.flows._posted_header import posted_header
from shared.flows._stored_header import stored_header
from shared.pixels.cpu_pool import in_cpu_pool
from shared.ports.archive import InstanceIndex, ObjectStore
from shared.telemetry.tracing import flow


@flow
async def describe_file(
    subject: InstanceRef | bytes, scheme: KeyScheme, *, objects: ObjectStore, index: InstanceIndex
) -> dict[str, Any]:
    """Return what a file holds, see shared.dicom.describe.

    Args:
        subject: An instance of the archive, or the file itself.
        scheme: How attributes are called.
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
    return await in_cpu_pool(partial(describe, header, scheme))
